//! Budgets: how they are kept, whom they stop, and what runs hold of them.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{
    ApiKeyId, BudgetId, BudgetPeriod, BudgetScope, NanoUsd, RunTotals, Timestamp,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    CALL_TOKENS, Tenant, allowance, at_most, at_most_tokens, begin, budget, call_of, create, done,
    ending, first_page, idempotency, limited, new_api_key, new_budget, next_page, now, running,
    someone, tenant, try_create,
};
use crate::{
    Allowance, BudgetLimits, BudgetPatch, BudgetRecord, CreateBudget, CreateRun, Held, NewBudget,
    NewRun, Once, Remaining, Spending,
};

const DAY: Duration = Duration::from_hours(24);

/// An allowance of an organisation that needs no credits: so many credits' worth of cost, and
/// so many tokens.
fn unmetered(credits: i64, tokens: i64) -> Allowance {
    Allowance {
        metered: false,
        ..allowance(credits, tokens)
    }
}

fn spending(credits: i64, tokens: u64) -> Spending {
    Spending {
        cost: NanoUsd::from_nanos(credits * 1_000_000),
        tokens,
    }
}

async fn read_at(h: &Harness, tenant: &Tenant, id: BudgetId, at: Timestamp) -> BudgetRecord {
    let found = h.store().budget(tenant.org, id, at).await.unwrap();
    found.expect("the budget is there")
}

/// What has been spent and what is held today.
async fn standing(h: &Harness, tenant: &Tenant, id: BudgetId) -> (Spending, Spending) {
    let record = read_at(h, tenant, id, now()).await;
    (record.spent, record.reserved)
}

/// A budget comes back as it was made, alone and in the list.
pub async fn a_budget_is_made_and_read(h: &Harness) {
    let tenant = tenant(h).await;
    let limits = BudgetLimits {
        max_cost: Some(NanoUsd::from_nanos(5_000_000_001)),
        max_tokens: Some(4_000_000_000),
    };
    let new = NewBudget {
        scope: BudgetScope::Persona,
        scope_id: Some("clerk".to_owned()),
        period: BudgetPeriod::Month,
        ..new_budget(&tenant, limits)
    };
    let id = budget(h, new.clone()).await;
    let at: Timestamp = "2031-05-31T12:00:00.000Z".parse().unwrap();
    let expected = BudgetRecord {
        budget_id: id,
        scope: new.scope,
        scope_id: new.scope_id,
        period: new.period,
        limits,
        period_start: "2031-05-01T00:00:00.000Z".parse().unwrap(),
        spent: Spending::default(),
        reserved: Spending::default(),
        created_at: new.created_at,
    };
    assert_eq!(read_at(h, &tenant, id, at).await, expected);
    let page = h.store().budgets(tenant.org, first_page(9), at).await;
    assert_eq!(page.unwrap().items, [expected]);
    let unknown = BudgetId::generate(now());
    let absent = h.store().budget(tenant.org, unknown, at).await.unwrap();
    assert_eq!(absent, None);
}

/// A scope has one budget a period, and a key makes one budget.
pub async fn a_scope_has_one_budget_a_period(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /v1/budgets");
    let make = |new, once| h.store().create_budget(new, once, someone());
    let first = new_budget(&tenant, at_most(1));
    let made = make(first.clone(), Some(once.clone())).await.unwrap();
    assert_eq!(done(made), CreateBudget::Created);
    let again = new_budget(&tenant, at_most(2));
    let taken = make(again.clone(), None).await.unwrap();
    assert_eq!(done(taken), CreateBudget::Taken);
    let replayed = make(again.clone(), Some(once)).await.unwrap();
    assert!(matches!(replayed, Once::Replayed(_)), "{replayed:?}");
    let monthly = NewBudget {
        period: BudgetPeriod::Month,
        ..again
    };
    budget(h, monthly).await;
}

/// Budgets are listed in pages, newest first.
pub async fn budgets_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let new = NewBudget {
            scope: BudgetScope::Persona,
            scope_id: Some(format!("p{n}")),
            ..new_budget(&tenant, at_most(1))
        };
        ids.insert(0, budget(h, new).await);
    }
    let page = |page| h.store().budgets(tenant.org, page, now());
    let of = |page: &[BudgetRecord]| page.iter().map(|b| b.budget_id).collect::<Vec<_>>();
    let first = page(first_page(2)).await.unwrap();
    let last = page(next_page(&first, 2)).await.unwrap();
    assert_eq!([of(&first.items), of(&last.items)].concat(), ids);
    assert_eq!(last.next, None);
}

/// New limits count at once, for the better and for the worse; a deleted budget stops nobody.
pub async fn a_budget_is_changed_and_deleted(h: &Harness) {
    let tenant = tenant(h).await;
    let id = budget(h, new_budget(&tenant, at_most(0))).await;
    let can = async || {
        let new = limited(h, &tenant, unmetered(1, 1)).await;
        matches!(try_create(h, new).await, CreateRun::Created(_))
    };
    assert!(!can().await);
    let set = |patch| h.store().update_budget(tenant.org, id, patch, someone());
    let patch = BudgetPatch {
        max_cost: Some(at_most(5).max_cost),
        max_tokens: None,
    };
    assert!(set(patch).await.unwrap());
    assert!(can().await);
    let tokens_alone = BudgetPatch {
        max_cost: Some(None),
        max_tokens: Some(Some(1)),
    };
    assert!(set(tokens_alone).await.unwrap());
    assert!(set(BudgetPatch::default()).await.unwrap());
    let record = read_at(h, &tenant, id, now()).await;
    assert_eq!(record.limits, at_most_tokens(1));
    assert!(!can().await, "the run before holds that token");
    assert!(
        h.store()
            .delete_budget(tenant.org, id, someone())
            .await
            .unwrap()
    );
    assert!(can().await);
    assert!(
        !h.store()
            .delete_budget(tenant.org, id, someone())
            .await
            .unwrap()
    );
    assert!(!set(patch).await.unwrap());
    assert_eq!(h.store().budget(tenant.org, id, now()).await.unwrap(), None);
}

/// A budget counts the runs of its scope and no others, and whoever it stops hears which it was.
pub async fn a_budget_counts_its_scope(h: &Harness) {
    let tenant = tenant(h).await;
    let key = new_api_key(&tenant);
    let api_key_id = key.api_key_id;
    done(
        h.store()
            .create_api_key(key, None, someone())
            .await
            .unwrap(),
    );
    let mine = async || NewRun {
        api_key_id: Some(api_key_id),
        persona_id: "clerk@2".to_owned(),
        ..limited(h, &tenant, unmetered(1, 1)).await
    };
    let other = async || NewRun {
        created_by: runloom_domain::UserId::generate(now()),
        api_key_id: Some(ApiKeyId::generate(now())),
        persona_id: "clerk2@1".to_owned(),
        ..limited(h, &tenant, unmetered(1, 1)).await
    };
    for scope in BudgetScope::ALL {
        let run = mine().await;
        let scope_id = match scope {
            BudgetScope::Organisation => None,
            BudgetScope::User => Some(tenant.user.to_string()),
            BudgetScope::ApiKey => Some(api_key_id.to_string()),
            BudgetScope::Persona => Some("clerk".to_owned()),
            BudgetScope::Thread => Some(run.thread_id.to_string()),
        };
        let new = NewBudget {
            scope,
            scope_id: scope_id.clone(),
            ..new_budget(&tenant, at_most(0))
        };
        let id = budget(h, new).await;
        match try_create(h, run).await {
            CreateRun::NoBudget(name) => {
                assert_eq!((name.budget_id, name.scope), (id, scope));
                assert_eq!((name.scope_id, name.period), (scope_id, BudgetPeriod::Day));
            }
            outcome => panic!("{scope:?}: {outcome:?}"),
        }
        if scope != BudgetScope::Organisation {
            create(h, other().await).await;
        }
        assert!(
            h.store()
                .delete_budget(tenant.org, id, someone())
                .await
                .unwrap()
        );
    }
}

/// A run holds its part until it ends, and then counts by what it took.
pub async fn a_run_holds_its_part_until_its_end(h: &Harness) {
    let tenant = tenant(h).await;
    let id = budget(
        h,
        BudgetLimits {
            max_tokens: Some(1_000),
            ..at_most(10)
        }
        .of(&tenant),
    )
    .await;
    let scene = begin(h, &tenant, unmetered(4, 300)).await;
    let held = (Spending::default(), spending(4, 300));
    assert_eq!(standing(h, &tenant, id).await, held);
    scene.charge(h, call_of(1, 1)).await;
    assert_eq!(standing(h, &tenant, id).await, held);
    scene.end(h, 1).await;
    let spent = (spending(1, CALL_TOKENS), Spending::default());
    assert_eq!(standing(h, &tenant, id).await, spent);
    // The next day begins anew.
    let tomorrow = read_at(h, &tenant, id, now() + DAY).await;
    assert_eq!(tomorrow.spent, Spending::default());
}

impl BudgetLimits {
    fn of(self, tenant: &Tenant) -> NewBudget {
        new_budget(tenant, self)
    }
}

/// A budget with something left lets a run begin, which holds no more than that.
pub async fn the_last_part_may_be_small(h: &Harness) {
    let tenant = tenant(h).await;
    let id = budget(h, new_budget(&tenant, at_most(5))).await;
    let first = begin(h, &tenant, unmetered(3, 9)).await;
    let second = begin(h, &tenant, unmetered(3, 9)).await;
    assert_eq!(standing(h, &tenant, id).await.1, spending(5, 18));
    let new = limited(h, &tenant, unmetered(1, 1)).await;
    assert!(matches!(try_create(h, new).await, CreateRun::NoBudget(_)));
    let of = |scene: &super::fixtures::Scene| h.store().remaining(tenant.org, scene.run);
    let cost = |credits| Remaining {
        cost: Some(spending(credits, 0).cost),
        output_tokens: None,
    };
    assert_eq!(of(&first).await.unwrap(), cost(3));
    assert_eq!(of(&second).await.unwrap(), cost(2));
}

/// A creation tells what the first step may use, unless there may be more by then.
pub async fn a_creation_tells_what_its_first_step_may_use(h: &Harness) {
    let tenant = tenant(h).await;
    let grows = Allowance {
        cost: Held {
            amount: 3_000_000,
            step: 3_000_000,
        },
        ..unmetered(0, 9)
    };
    let granted = async || {
        let new = limited(h, &tenant, grows).await;
        let run = new.run_id;
        let granted = create(h, new).await.granted;
        let remaining = h.store().remaining(tenant.org, run).await.unwrap();
        (granted, remaining)
    };
    assert_eq!(
        granted().await,
        (Some(Remaining::default()), Remaining::default())
    );
    budget(h, new_budget(&tenant, at_most(5))).await;
    let cost = |credits| Remaining {
        cost: Some(spending(credits, 0).cost),
        output_tokens: None,
    };
    assert_eq!(granted().await, (Some(cost(3)), cost(3)));
    assert_eq!(granted().await, (None, cost(2)));
}

/// The tightest of several budgets counts, in each respect.
pub async fn the_tightest_budget_counts(h: &Harness) {
    let tenant = tenant(h).await;
    budget(h, new_budget(&tenant, at_most(10))).await;
    let of_user = NewBudget {
        scope: BudgetScope::User,
        scope_id: Some(tenant.user.to_string()),
        ..new_budget(
            &tenant,
            BudgetLimits {
                max_tokens: Some(500),
                ..at_most(3)
            },
        )
    };
    budget(h, of_user).await;
    let scene = begin(h, &tenant, unmetered(8, 1_000)).await;
    let remaining = async || h.store().remaining(tenant.org, scene.run).await.unwrap();
    let expected = |credits, tokens| Remaining {
        cost: Some(spending(credits, 0).cost),
        output_tokens: Some(tokens),
    };
    assert_eq!(remaining().await, expected(3, 500));
    scene.charge(h, call_of(1, 2)).await;
    assert_eq!(remaining().await, expected(1, 500 - CALL_TOKENS));
    scene.charge(h, call_of(2, 2)).await;
    assert_eq!(remaining().await, expected(0, 500 - 2 * CALL_TOKENS));
}

/// A run whose allowance grows holds what it has spent and a step more, so that none escapes.
pub async fn a_long_run_does_not_escape(h: &Harness) {
    let tenant = tenant(h).await;
    let id = budget(h, new_budget(&tenant, at_most(10))).await;
    let grows = Allowance {
        cost: Held {
            amount: 3_000_000,
            step: 3_000_000,
        },
        ..unmetered(0, 0)
    };
    let scene = begin(h, &tenant, grows).await;
    let mut left = Vec::new();
    for step in 1..=4 {
        let remaining = h.store().remaining(tenant.org, scene.run).await.unwrap();
        left.push(remaining.cost.unwrap().as_nanos() / 1_000_000);
        scene.charge(h, call_of(step, 3)).await;
    }
    assert_eq!(left, [3, 3, 3, 1]);
    assert_eq!(standing(h, &tenant, id).await.1, spending(10, 0));
    let new = limited(h, &tenant, unmetered(1, 0)).await;
    assert!(matches!(try_create(h, new).await, CreateRun::NoBudget(_)));
    scene.end(h, 12).await;
    let overshot = (spending(12, 4 * CALL_TOKENS), Spending::default());
    assert_eq!(standing(h, &tenant, id).await, overshot);
}

/// Many creations at once hold no more than the budget lets pass.
pub async fn racing_runs_share_a_budget(h: &Harness) {
    const RUNS: usize = 100;
    let tenant = tenant(h).await;
    let id = budget(h, new_budget(&tenant, at_most(10))).await;
    let start = Arc::new(Barrier::new(RUNS));
    let mut creations = JoinSet::new();
    for _ in 0..RUNS {
        let new = limited(h, &tenant, unmetered(1, 1)).await;
        let (store, start) = (h.shared(), Arc::clone(&start));
        creations.spawn(async move {
            start.wait().await;
            done(store.create_run(new).await.unwrap())
        });
    }
    let outcomes = creations.join_all().await;
    let created = |outcome: &&CreateRun| matches!(outcome, CreateRun::Created(_));
    assert_eq!(outcomes.iter().filter(created).count(), 10);
    assert_eq!(standing(h, &tenant, id).await.1, spending(10, 10));
}

/// Runs of several budgets that end at once, each budget by its own share.
pub async fn ends_of_a_batch_count(h: &Harness) {
    let tenant = tenant(h).await;
    let day = budget(h, new_budget(&tenant, at_most(100))).await;
    let month = NewBudget {
        period: BudgetPeriod::Month,
        ..new_budget(&tenant, at_most_tokens(10_000))
    };
    let month = budget(h, month).await;
    let mut batch = Vec::new();
    for _ in 0..3 {
        let scene = begin(h, &tenant, unmetered(5, 200)).await;
        let call = call_of(1, 2);
        let projection = crate::Projection {
            totals: Some(RunTotals::default().plus(&call)),
            calls: vec![call],
            ..ending(2)
        };
        batch.push(scene.change(vec![super::fixtures::event("run.completed")], projection));
    }
    assert_eq!(standing(h, &tenant, day).await.1, spending(15, 600));
    h.store().append(batch).await.unwrap();
    for id in [day, month] {
        let spent = (spending(6, 3 * CALL_TOKENS), Spending::default());
        assert_eq!(standing(h, &tenant, id).await, spent);
    }
}

/// What runs of the period have used before their budget was made counts; what they use after it
/// doesn't.
pub async fn a_new_budget_knows_what_was_used(h: &Harness) {
    let scene = running(h).await;
    let tenant = scene.tenant.clone();
    scene.charge(h, call_of(1, 2)).await;
    let scopes = [
        (BudgetScope::Organisation, None),
        (BudgetScope::User, Some(tenant.user.to_string())),
        (BudgetScope::Persona, Some("default".to_owned())),
        (BudgetScope::Thread, Some(scene.thread.to_string())),
    ];
    for (scope, scope_id) in scopes {
        let new = NewBudget {
            scope,
            scope_id,
            ..new_budget(&tenant, at_most(9))
        };
        let id = budget(h, new).await;
        let spent = (spending(2, CALL_TOKENS), Spending::default());
        assert_eq!(standing(h, &tenant, id).await, spent, "{scope:?}");
    }
    let of_nobody = NewBudget {
        scope: BudgetScope::Persona,
        scope_id: Some("defaul_".to_owned()),
        ..new_budget(&tenant, at_most(9))
    };
    let id = budget(h, of_nobody).await;
    assert_eq!(standing(h, &tenant, id).await.0, Spending::default());
}

/// The budget may be gone when a run ends, and the end must be written all the same; an absurd
/// cost is no hindrance either.
pub async fn an_end_depends_on_no_budget(h: &Harness) {
    let tenant = tenant(h).await;
    let gone = budget(h, new_budget(&tenant, at_most(9))).await;
    let scene = begin(h, &tenant, unmetered(1, 1)).await;
    assert!(
        h.store()
            .delete_budget(tenant.org, gone, someone())
            .await
            .unwrap()
    );
    let remaining = h.store().remaining(tenant.org, scene.run).await.unwrap();
    assert_eq!(remaining, Remaining::default());
    scene.end(h, 1).await;
    let id = budget(h, new_budget(&tenant, at_most(i64::MAX / 1_000_000))).await;
    let absurd = RunTotals {
        cost: NanoUsd::from_nanos(i64::MAX),
        ..RunTotals::default()
    };
    let scenes = [
        begin(h, &tenant, unmetered(1, 1)).await,
        begin(h, &tenant, unmetered(1, 1)).await,
    ];
    for scene in scenes {
        scene.end_with(h, absurd).await;
    }
    let (spent, reserved) = standing(h, &tenant, id).await;
    assert!(
        spent.cost.as_nanos() >= 9_000_000_000_000_000_000,
        "{spent:?}"
    );
    assert_eq!(reserved, Spending::default());
}
