//! Text comes back byte for byte.

use runloom_domain::{EncodedEvent, StoredEvent, ToolCallId};

use super::Harness;
use super::fixtures::{
    append_ok, create, done, event, new_message, new_run, new_thread, now, running, tenant,
    text_event, thread,
};
use crate::{Content, NewRun, NewThread, Projection, ThreadPatch, ToolOutput};

/// JSON that a parser would write in another way: order of keys, repeated keys, forms of
/// numbers, white space, escapes; and text that a collation or a normal form would change.
const TEXTS: [&str; 9] = [
    r#"{"b":1,"a":2,"B":3,"b":4}"#,
    r#"{"n":[1.0,1e5,1E+5,-0,0.10,12345678901234567890123,1e400]}"#,
    "{ \"a\" :\t[ ] }",
    r#"{"e":"\u00e9\u0000\ud834\udd1e\/\n"}"#,
    "{\"e\":\"é e\u{301} ﬁ İ ß \u{1d11e} 👩‍👩‍👧 \u{202e}rtl\u{202c} \u{feff}\"}",
    "\"\u{1}\u{7f}\u{85}\u{2028}\"",
    "{}",
    "\"trailing space \"",
    r#""it's a 'quote' \\ % _ $1 ?1 :name @p {x}""#,
];

/// Public data and private payload.
pub async fn events(h: &Harness) {
    let scene = running(h).await;
    let written: Vec<EncodedEvent> = TEXTS
        .iter()
        .map(|text| EncodedEvent {
            private: Some(format!("[{text}]")),
            ..text_event("step.completed", text)
        })
        .collect();
    append_ok(h, scene.change(written.clone(), Projection::default())).await;
    let read = h
        .store()
        .events(scene.tenant.org, scene.run, 1, 100)
        .await
        .unwrap();
    let expected = (2..)
        .zip(written)
        .map(|(seq, event)| StoredEvent { seq, event });
    assert_eq!(read, expected.collect::<Vec<_>>());
}

/// What is private stays out of the public data, and an event without it has none.
pub async fn private_payloads_stay_apart(h: &Harness) {
    let scene = running(h).await;
    let mut secret = text_event("step.completed", r#"{"shown":1}"#);
    secret.private = Some(r#"{"hidden":"canary"}"#.to_owned());
    append_ok(
        h,
        scene.change(vec![secret, event("tool.call")], Projection::default()),
    )
    .await;
    let read = h
        .store()
        .events(scene.tenant.org, scene.run, 1, 100)
        .await
        .unwrap();
    assert_eq!(read[0].event.data, r#"{"shown":1}"#);
    assert_eq!(
        read[0].event.private.as_deref(),
        Some(r#"{"hidden":"canary"}"#)
    );
    assert_eq!(read[1].event.private, None);
}

/// Events of 1 MiB, and tool outputs of 5 MB.
pub async fn big_texts(h: &Harness) {
    let scene = running(h).await;
    let data = format!("\"{}\"", "é".repeat((1 << 20) / 2 - 1));
    let tool_call_id = ToolCallId::generate(now());
    let whole = "0123456789".repeat(500_000);
    let projection = Projection {
        outputs: vec![ToolOutput {
            tool_call_id,
            content: whole.clone(),
        }],
        ..Projection::default()
    };
    let events = vec![text_event("tool.result", &data), event("step.started")];
    append_ok(h, scene.change(events, projection)).await;
    let (store, org) = (h.store(), scene.tenant.org);
    let read = store.log(org, scene.run, 1, 1).await.unwrap();
    assert!(read[0].event.data == data, "the data is as it was written");
    let output = store
        .tool_output(org, scene.run, tool_call_id)
        .await
        .unwrap();
    assert!(output == Some(whole), "the output is as it was written");
}

/// Titles, metadata, messages, contents: whatever a person or a configuration wrote.
pub async fn other_texts(h: &Harness) {
    let tenant = tenant(h).await;
    for text in TEXTS {
        let new = NewThread {
            title: Some(text.to_owned()),
            metadata: Some(text.to_owned()),
            ..new_thread(&tenant)
        };
        let id = new.thread_id;
        done(h.store().create_thread(new, None).await.unwrap());
        let read = h.store().thread(tenant.org, id).await.unwrap().unwrap();
        assert_eq!(
            (read.title.as_deref(), read.metadata.as_deref()),
            (Some(text), Some(text))
        );

        let posted = h.store().post_message(new_message(&tenant, id, text), None);
        assert_eq!(done(posted.await.unwrap()).unwrap().body.content(), text);

        let new = NewRun {
            metadata: Some(text.to_owned()),
            contents: vec![Content {
                hash: text.to_owned(),
                body: text.to_owned(),
            }],
            ..new_run(&tenant, id)
        };
        let run = new.run_id;
        create(h, new).await;
        let read = h.store().run(tenant.org, run).await.unwrap().unwrap();
        assert_eq!(read.metadata.as_deref(), Some(text));
        let contents = h
            .store()
            .contents(tenant.org, vec![text.to_owned()])
            .await
            .unwrap();
        assert_eq!(contents[0].body, text);
    }
}

/// An empty text is not an absent one.
pub async fn empty_is_not_absent(h: &Harness) {
    let tenant = tenant(h).await;
    let id = thread(h, &tenant).await;
    let patch = ThreadPatch {
        title: Some(Some(String::new())),
        metadata: None,
    };
    let read = h
        .store()
        .update_thread(tenant.org, id, patch)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((read.title.as_deref(), read.metadata), (Some(""), None));
    let posted = h.store().post_message(new_message(&tenant, id, ""), None);
    assert_eq!(done(posted.await.unwrap()).unwrap().body.content(), "");
}

/// What was committed is there after the store is opened again, and seq goes on.
pub async fn everything_outlives_the_store(h: &mut Harness) {
    let scene = running(h).await;
    append_ok(h, scene.deltas(3)).await;
    let before = h
        .store()
        .events(scene.tenant.org, scene.run, 0, 100)
        .await
        .unwrap();
    if !h.reopen().await {
        return;
    }
    let after = h
        .store()
        .events(scene.tenant.org, scene.run, 0, 100)
        .await
        .unwrap();
    assert_eq!(after, before);
    h.store().renew_lease(scene.node).await.unwrap();
    assert_eq!(append_ok(h, scene.deltas(1)).await, 4);
}
