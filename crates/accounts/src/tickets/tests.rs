use std::time::Duration;

use runloom_domain::{Clock as _, OrgRole, Permission, RunId};

use runloom_store::Origin;

use crate::AccountError;
use crate::testing::Fixture;

#[tokio::test]
async fn a_ticket_reads_one_run_for_a_minute_on_any_node() {
    let f = Fixture::new();
    let caller = f.caller("ada", OrgRole::Owner).await;
    let (run, other) = (
        RunId::generate(f.clock.now()),
        RunId::generate(f.clock.now()),
    );
    let ticket = f.accounts.issue_ticket(&caller, run).unwrap().ticket;

    let there = f.other_node();
    let holder = there.check_ticket(ticket.expose(), run).await.unwrap();
    assert_eq!(holder.org_id, caller.org_id);
    assert_eq!(holder.principal, caller.principal);
    assert_eq!(
        holder.rights.iter().collect::<Vec<_>>(),
        [Permission::RunsRead]
    );
    let again = there.still_valid(&holder).await.unwrap();
    assert_eq!(again.rights, holder.rights);
    assert!(there.check_ticket(ticket.expose(), other).await.is_err());

    f.clock.advance(Duration::from_secs(59));
    assert!(there.check_ticket(ticket.expose(), run).await.is_ok());
    f.clock.advance(Duration::from_secs(1));
    assert!(there.check_ticket(ticket.expose(), run).await.is_err());
    // The stream that it opened goes on until the credential behind it ends.
    assert!(there.still_valid(&holder).await.is_ok());
    f.clock.advance(Duration::from_mins(14));
    assert!(there.still_valid(&holder).await.is_err());
}

#[tokio::test]
async fn tickets_and_access_tokens_do_not_pass_for_each_other() {
    let f = Fixture::new();
    let bearer = f.bearer("ada", OrgRole::Owner).await;
    let caller = f.accounts.authenticate(&bearer).await.unwrap();
    let run = RunId::generate(f.clock.now());
    let ticket = f.accounts.issue_ticket(&caller, run).unwrap().ticket;
    assert!(f.accounts.authenticate(ticket.expose()).await.is_err());
    assert!(f.accounts.check_ticket(&bearer, run).await.is_err());
    let refresh = f.registered("bob").await.tokens.refresh;
    assert!(f.accounts.authenticate(refresh.expose()).await.is_err());
    assert!(
        f.accounts
            .check_ticket(refresh.expose(), run)
            .await
            .is_err()
    );
    assert!(
        f.accounts
            .refresh(&bearer.into(), None, Origin::default())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_ticket_dies_with_the_key_that_asked_for_it() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f.key(&owner, &["runs.read"]).await;
    let caller = f
        .accounts
        .authenticate(created.secret.expose())
        .await
        .unwrap();
    let run = RunId::generate(f.clock.now());
    let ticket = f.accounts.issue_ticket(&caller, run).unwrap().ticket;
    let holder = f.accounts.check_ticket(ticket.expose(), run).await.unwrap();
    assert_eq!(holder.principal, caller.principal);
    f.accounts
        .revoke_api_key(&owner, created.key.api_key_id)
        .await
        .unwrap();
    assert!(f.accounts.check_ticket(ticket.expose(), run).await.is_err());
    assert!(f.accounts.still_valid(&holder).await.is_err());
}

#[tokio::test]
async fn who_may_not_read_runs_gets_no_ticket() {
    let f = Fixture::new();
    let owner = f.caller("ada", OrgRole::Owner).await;
    let created = f.key(&owner, &["threads.read"]).await;
    let caller = f
        .accounts
        .authenticate(created.secret.expose())
        .await
        .unwrap();
    let refused = f
        .accounts
        .issue_ticket(&caller, RunId::generate(f.clock.now()));
    assert!(matches!(
        refused,
        Err(AccountError::Forbidden(Permission::RunsRead))
    ));
}
