//! Messages of a thread.

use std::sync::Arc;

use runloom_domain::{MessageBody, MessageId, Role, ThreadId, ToolCallId, ToolCallRequest};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    append_ok, done, event, first_page, new_message, next_page, now, post, running, tenant, thread,
};
use crate::{NewMessage, Once, Page, PageKey, Projection, UserMessage};

/// A posted message comes back with its position, from the call and from the list.
pub async fn a_message_is_posted(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    for position in 1..=3 {
        let new = new_message(&tenant, thread, "hello");
        let (id, at) = (new.message_id, new.created_at);
        let posted = done(h.store().post_message(new, None).await.unwrap()).unwrap();
        assert_eq!(
            (posted.id, posted.position, posted.created_at),
            (id, position, at)
        );
        assert_eq!((posted.org_id, posted.thread_id), (tenant.org, thread));
        assert_eq!(
            (posted.run_id, posted.created_by_user_id),
            (None, Some(tenant.user))
        );
        assert_eq!(posted.body.role(), Role::User);
        let page = h
            .store()
            .messages(tenant.org, thread, first_page(1), false)
            .await
            .unwrap();
        assert_eq!(page.unwrap().items, [posted]);
    }
}

/// Neither a message nor a list without a thread.
pub async fn there_must_be_a_thread(h: &Harness) {
    let tenant = tenant(h).await;
    let nowhere = ThreadId::generate(now());
    let posted = h
        .store()
        .post_message(new_message(&tenant, nowhere, "x"), None)
        .await
        .unwrap();
    assert_eq!(posted, Once::Done(None));
    let list = h
        .store()
        .messages(tenant.org, nowhere, first_page(9), true)
        .await
        .unwrap();
    assert!(list.is_none());
    let empty = thread(h, &tenant).await;
    let list = h
        .store()
        .messages(tenant.org, empty, first_page(9), true)
        .await
        .unwrap();
    assert!(list.unwrap().items.is_empty());
}

/// Tools' messages, and the model's without text, are shown on demand; pages count what is shown.
pub async fn tool_messages_are_shown_on_demand(h: &Harness) {
    let scene = running(h).await;
    let (org, thread) = (scene.tenant.org, scene.thread);
    let tool_call_id = ToolCallId::generate(now());
    let calls = |content: &str| MessageBody::Assistant {
        content: content.to_owned(),
        tool_calls: vec![ToolCallRequest {
            tool_call_id,
            tool_name: "clock".to_owned(),
            arguments: serde_json::json!({}),
        }],
        provider: None,
    };
    let result = MessageBody::Tool {
        tool_call_id,
        tool_name: "clock".to_owned(),
        content: "noon".to_owned(),
    };
    post(h, &scene.tenant, thread, "what time is it?").await;
    let messages = [calls(""), result, calls("let me look again")].map(|body| NewMessage {
        message_id: MessageId::generate(now()),
        body,
        created_at: now(),
    });
    let projection = Projection {
        messages: messages.to_vec(),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("step.completed")], projection)).await;
    let list = |page: Page, tools| {
        let store = h.store();
        async move {
            store
                .messages(org, thread, page, tools)
                .await
                .unwrap()
                .unwrap()
        }
    };
    let all = list(first_page(9), true).await;
    assert_eq!(
        all.items.iter().map(|m| m.position).collect::<Vec<_>>(),
        [4, 3, 2, 1]
    );
    let first = list(first_page(1), false).await;
    assert_eq!(first.items[0].position, 4);
    let last = list(next_page(&first, 1), false).await;
    assert_eq!((last.items[0].position, last.next), (1, None));
}

/// By position, whatever the times say; a page begins below its message, hidden or not there.
pub async fn pages_follow_positions(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let at = now();
    for _ in 0..7 {
        let same_time = UserMessage {
            created_at: at,
            ..new_message(&tenant, thread, "x")
        };
        done(h.store().post_message(same_time, None).await.unwrap());
    }
    let mut page = first_page(3);
    let mut found = Vec::new();
    loop {
        let read = h
            .store()
            .messages(tenant.org, thread, page, true)
            .await
            .unwrap()
            .unwrap();
        found.extend(read.items.iter().map(|m| m.position));
        if read.next.is_none() {
            break;
        }
        page = next_page(&read, 3);
        post(h, &tenant, thread, "newer").await;
    }
    assert_eq!(found, [7, 6, 5, 4, 3, 2, 1]);
    let unknown = Page {
        limit: 9,
        before: Some(PageKey {
            created_at: at,
            id: MessageId::generate(at).as_uuid(),
        }),
    };
    let read = h
        .store()
        .messages(tenant.org, thread, unknown, true)
        .await
        .unwrap()
        .unwrap();
    assert!(read.items.is_empty());
}

/// Posts that race get positions of their own, without a gap.
pub async fn racing_posts_have_dense_positions(h: &Harness) {
    const POSTS: usize = 12;
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let start = Arc::new(Barrier::new(POSTS));
    let mut posts = JoinSet::new();
    for _ in 0..POSTS {
        let (store, start) = (h.shared(), Arc::clone(&start));
        let new = new_message(&tenant, thread, "x");
        posts.spawn(async move {
            start.wait().await;
            done(store.post_message(new, None).await.unwrap())
                .unwrap()
                .position
        });
    }
    let mut positions = posts.join_all().await;
    positions.sort_unstable();
    assert_eq!(positions, (1..=POSTS as u64).collect::<Vec<_>>());
}
