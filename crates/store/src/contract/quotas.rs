//! What organisations keep and may keep.

use super::Harness;
use super::fixtures::{
    answer_message, append_ok, ended, event, new_thread, now, post, running, someone, tenant,
    thread,
};
use crate::{Measuring, Quota, Standing};
use runloom_domain::{OrgId, RunStatus};

/// Measures an organisation in steps of one, and returns the bytes.
async fn measured(h: &Harness, org: OrgId) -> u64 {
    let (mut bytes, mut from) = (0, Some(Measuring::START));
    for _ in 0..100 {
        let Some(part) = from else { return bytes };
        let step = h.store().measure(org, part, 1).await.unwrap();
        bytes += step.bytes;
        from = step.next;
    }
    panic!("measuring has no end");
}

/// Texts count by their bytes, in every row, and only for their organisation.
pub async fn what_is_kept_is_measured(h: &Harness) {
    let scene = running(h).await;
    let (org, other) = (scene.tenant.org, tenant(h).await);
    assert_eq!(measured(h, other.org).await, 0);
    let before = measured(h, org).await;
    post(h, &scene.tenant, scene.thread, "äöü").await;
    assert_eq!(measured(h, org).await, before + 6);
    for _ in 0..2 {
        let another = thread(h, &scene.tenant).await;
        post(h, &scene.tenant, another, "four").await;
    }
    assert_eq!(measured(h, org).await, before + 14);
    let mut projection = ended(RunStatus::Completed);
    projection.messages = vec![answer_message("the answer")];
    append_ok(h, scene.change(vec![event("run.completed")], projection)).await;
    let log = h.store().events(org, scene.run, 0, 10).await.unwrap();
    let last = &log.last().unwrap().event;
    let last = last.data.len() + last.private.as_ref().map_or(0, String::len);
    let last = last as u64;
    let message = "the answer".len() as u64;
    assert_eq!(measured(h, org).await, before + 14 + message + last);
    assert_eq!(measured(h, other.org).await, 0);
}

/// A quota is an organisation's own, and so is what was noted of it.
pub async fn an_organisation_has_a_quota(h: &Harness) {
    let (one, other) = (tenant(h).await, tenant(h).await);
    let nothing = h.store().standing(one.org).await.unwrap();
    assert_eq!(nothing, Standing::default());
    let quota = Quota {
        threads: Some(2),
        bytes: Some(0),
    };
    assert!(
        h.store()
            .set_quota(one.org, quota, someone())
            .await
            .unwrap()
    );
    h.store().set_stored_bytes(one.org, 1 << 40).await.unwrap();
    let standing = h.store().standing(one.org).await.unwrap();
    let expected = Standing {
        quota,
        stored_bytes: 1 << 40,
    };
    assert_eq!(standing, expected);
    assert_eq!(h.store().standing(other.org).await.unwrap(), nothing);
    let stranger = OrgId::generate(now());
    assert!(
        !h.store()
            .set_quota(stranger, quota, someone())
            .await
            .unwrap()
    );
    assert_eq!(h.store().standing(stranger).await.unwrap(), nothing);

    let next = async |after, all| h.store().next_measured(after, all).await.unwrap();
    assert_eq!(next(None, false).await, Some(one.org));
    assert_eq!(next(Some(one.org), false).await, None);
    let mut orgs = [one.org, other.org];
    orgs.sort_unstable();
    assert_eq!(next(None, true).await, Some(orgs[0]));
    assert_eq!(next(Some(orgs[0]), true).await, Some(orgs[1]));
    assert_eq!(next(Some(orgs[1]), true).await, None);
    let none = Quota::default();
    assert!(h.store().set_quota(one.org, none, someone()).await.unwrap());
    assert_eq!(next(None, false).await, None);
}

/// Threads count while a list shows them.
pub async fn threads_are_counted_up_to_a_limit(h: &Harness) {
    let (one, other) = (tenant(h).await, tenant(h).await);
    let has = async |many| h.store().has_threads(one.org, many).await.unwrap();
    assert!(has(0).await && !has(1).await);
    let first = thread(h, &one).await;
    thread(h, &other).await;
    h.store()
        .create_thread(new_thread(&one), None)
        .await
        .unwrap();
    assert!(has(1).await && has(2).await && !has(3).await);
    h.store()
        .delete_thread(one.org, first, now(), someone())
        .await
        .unwrap();
    assert!(has(1).await && !has(2).await);
}
