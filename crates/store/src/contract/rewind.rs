//! Going back to an earlier message before a run starts.

use runloom_domain::{MessageId, OrgId, ThreadId};

use super::Harness;
use super::fixtures::{
    Scene, append_ok, create, first_page, new_run, node, now, post, running_for, tenant, thread,
    try_create,
};
use crate::{CreateRun, FirstEvent, HistoryPart, NewRun, Rewind};

/// A thread with two questions and an answer to each, at the positions 1 to 4.
async fn conversation(h: &Harness) -> (Scene, [MessageId; 2]) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut scene = running_for(h, &tenant, node).await;
    let mut asked = Vec::new();
    for round in ["one", "two"] {
        asked.push(post(h, &tenant, scene.thread, round).await);
        let mut completion = scene.completion();
        if let Some(projection) = &mut completion.projection {
            projection.messages = vec![super::fixtures::answer_message("answer")];
        }
        append_ok(h, completion).await;
        let new = NewRun {
            owner: Some(node),
            ..new_run(&tenant, scene.thread)
        };
        scene.run = new.run_id;
        create(h, new).await;
    }
    append_ok(h, scene.completion()).await;
    (scene, [asked[0], asked[1]])
}

async fn shown(h: &Harness, org: OrgId, thread: ThreadId) -> Vec<(u64, String)> {
    let page = h
        .store()
        .messages(org, thread, first_page(100), true)
        .await
        .unwrap();
    let mut shown: Vec<_> = page
        .unwrap()
        .items
        .iter()
        .map(|m| (m.position, m.body.content().to_owned()))
        .collect();
    shown.reverse();
    shown
}

fn texts(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|(n, text)| (*n, (*text).to_owned()))
        .collect()
}

fn back_to(scene: &Scene, message_id: Option<MessageId>, content: Option<&str>) -> NewRun {
    NewRun {
        rewind: Some(Rewind {
            message_id,
            content: content.map(str::to_owned),
        }),
        ..new_run(&scene.tenant, scene.thread)
    }
}

/// Without a message it is the last of a person; what follows is hidden and nothing renumbered.
pub async fn a_retry_hides_the_last_answer(h: &Harness) {
    let (scene, _) = conversation(h).await;
    let created = create(h, back_to(&scene, None, None)).await;
    assert_eq!(created.first, FirstEvent::Started { history_until: 4 });
    let left = texts(&[(1, "one"), (2, "answer"), (3, "two")]);
    assert_eq!(shown(h, scene.tenant.org, scene.thread).await, left);
}

/// An edited message has its new text in its old place; an input follows at a new position.
pub async fn an_edit_changes_the_message_and_hides_the_rest(h: &Harness) {
    let (scene, [first, _]) = conversation(h).await;
    let new = NewRun {
        input: Some((MessageId::generate(now()), "more".to_owned())),
        ..back_to(&scene, Some(first), Some("uno"))
    };
    let id = new.run_id;
    let created = create(h, new).await;
    assert_eq!(created.first, FirstEvent::Started { history_until: 5 });
    let left = texts(&[(1, "uno"), (5, "more")]);
    assert_eq!(shown(h, scene.tenant.org, scene.thread).await, left);
    let history = h.store().history(
        scene.tenant.org,
        scene.thread,
        id,
        HistoryPart::newest(5, 100),
    );
    let seen: Vec<u64> = history.await.unwrap().iter().map(|m| m.position).collect();
    assert_eq!(seen, [1, 5]);
}

/// Messages that aren't there, are hidden, are not a person's, or are in another thread.
pub async fn there_must_be_a_message_to_go_back_to(h: &Harness) {
    let (scene, [first, second]) = conversation(h).await;
    let org = scene.tenant.org;
    let page = h
        .store()
        .messages(org, scene.thread, first_page(1), true)
        .await
        .unwrap();
    let answer = page.unwrap().items[0].id;
    let other = thread(h, &scene.tenant).await;
    let elsewhere = post(h, &scene.tenant, other, "elsewhere").await;
    for message in [MessageId::generate(now()), answer, elsewhere] {
        let refused = try_create(h, back_to(&scene, Some(message), Some("x"))).await;
        assert_eq!(refused, CreateRun::NoMessage);
    }
    assert_eq!(shown(h, org, scene.thread).await.len(), 4);

    let new = back_to(&scene, Some(first), None);
    let run = new.run_id;
    create(
        h,
        NewRun {
            owner: Some(scene.node),
            ..new
        },
    )
    .await;
    append_ok(
        h,
        Scene {
            run,
            ..scene.clone()
        }
        .completion(),
    )
    .await;
    let refused = try_create(h, back_to(&scene, Some(second), None)).await;
    assert_eq!(refused, CreateRun::NoMessage);

    let empty = Scene {
        thread: thread(h, &scene.tenant).await,
        ..scene
    };
    assert_eq!(
        try_create(h, back_to(&empty, None, None)).await,
        CreateRun::NoMessage
    );
}
