use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::runs::{start, thread, wait_for};
use crate::server::{Server, with_server, with_settings};

async fn finished_run(client: &Client) -> String {
    let thread = thread(client).await;
    let run = start(client, &thread, &json!({})).await;
    wait_for(client, &run, "run.completed").await;
    run
}

/// Splits a whole stream into its opening and its events.
fn events(body: &str) -> (&str, Vec<&str>) {
    let mut blocks = body.split_inclusive("\n\n");
    let opening = blocks.next().expect("an opening");
    (opening, blocks.collect())
}

#[test]
fn a_whole_stream() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let run = finished_run(&ada).await;
        let stream = ada.get(&format!("{run}/events")).await;
        assert_eq!(stream.header("content-type"), Some("text/event-stream"));
        assert_eq!(
            stream.header("cache-control"),
            Some("no-cache, no-transform")
        );
        assert_eq!(stream.header("x-accel-buffering"), Some("no"));
        assert_eq!(stream.header("content-encoding"), None);
        assert!(!stream.body.contains('\r'));
        let (opening, events) = events(&stream.body);
        let (retry, comment) = opening.split_once('\n').unwrap();
        let millis: u64 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((1_000..3_000).contains(&millis));
        assert!(comment.starts_with(':'));
        for (seq, event) in (1..).zip(&events) {
            let (id, data) = event.trim_end().split_once('\n').unwrap();
            assert_eq!(id, format!("id: {seq}"));
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(data["seq"], seq);
            assert!(data["created_at"].is_string() && data["data"].is_object());
        }

        // Any cut point: prefix and resumed rest are the whole, byte for byte.
        for cut in 0..events.len() {
            let rest = ada.get(&format!("{run}/events?after_seq={cut}")).await;
            let (_, rest) = self::events(&rest.body);
            assert_eq!([&events[..cut], &rest].concat(), events);
        }
        let named = ada.get(&format!("{run}/events?event_names=1")).await.body;
        let (_, named) = self::events(&named);
        assert_eq!(named[0], format!("event: run.started\n{}", events[0]));
    });
}

#[test]
fn cursors() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let run = finished_run(&ada).await;
        let whole = ada.get(&format!("{run}/events")).await.body;
        let last = events(&whole).1.len();
        let get = |query: &str, header: Option<&str>| {
            let mut request = Request::new("GET", &format!("{run}/events{query}"));
            if let Some(id) = header {
                request = request.header("Last-Event-ID", id);
            }
            ada.send(request)
        };
        let end = get(&format!("?after_seq={last}"), None).await;
        assert_eq!((end.status, end.body.as_str()), (204, ""));
        let end = get("?after_seq=1", Some(&last.to_string())).await;
        assert_eq!(end.status, 204);
        let end = get(&format!("?after_seq={last}&follow=0"), None).await;
        assert_eq!((end.status, end.body.as_str()), (200, ""));
        let max = i64::MAX.to_string();
        for (query, header) in [
            (format!("?after_seq={}", last + 1), None),
            (String::new(), Some(&*max)),
        ] {
            let ahead = get(&query, header).await;
            assert_eq!(ahead.failure(), (409, "runs.cursor_ahead".into()));
        }
        for bad in ["-1", "1e3", "9223372036854775808", "x", ""] {
            let refused = get(&format!("?after_seq={bad}"), None).await;
            assert_eq!(
                refused.failure(),
                (422, "validation.error".into()),
                "{bad:?}"
            );
            let refused = get("", Some(bad)).await;
            assert_eq!(
                refused.failure(),
                (422, "validation.error".into()),
                "{bad:?}"
            );
        }
        assert_eq!(get("?follow=2", None).await.failure().0, 422);
    });
}

#[test]
fn a_live_stream() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({"route_id": "holds"})).await;
        let mut stream = ada
            .open(Request::new("GET", &format!("{run}/events")))
            .await;
        let (status, _) = stream.head().await;
        assert_eq!(status, 200);
        assert!(stream.chunk().await.starts_with("retry: "));
        stream.until("\"content\":\"first\"").await;
        let now = ada.get(&format!("{run}/events?follow=0")).await;
        assert!(now.body.contains("\"first\"") && !now.body.contains("run.completed"));

        // A second watcher leaves; the run doesn't mind.
        let leaver = ada
            .open(Request::new("GET", &format!("{run}/events")))
            .await;
        drop(leaver);
        server.gate.add_permits(1);
        let rest = stream.until("0\r\n\r\n").await;
        assert!(
            rest.contains("\" last\"") && rest.contains("run.completed"),
            "{rest}"
        );
    });
}

#[test]
fn silence_is_broken_by_comments() {
    let quick = |settings: &mut runloom_http::HttpSettings| {
        settings.heartbeat = Duration::from_millis(150);
    };
    with_settings(quick, |server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({"route_id": "holds"})).await;
        let mut stream = ada
            .open(Request::new("GET", &format!("{run}/events")))
            .await;
        stream.until("\"content\":\"first\"").await;
        let began = tokio::time::Instant::now();
        stream.until("\r\n:\n\n\r\n").await;
        stream.until("\r\n:\n\n\r\n").await;
        assert!(began.elapsed() >= Duration::from_millis(250));
    });
}

#[test]
fn a_stopping_server_sends_its_streams_away() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({"route_id": "holds"})).await;
        let mut stream = ada
            .open(Request::new("GET", &format!("{run}/events")))
            .await;
        stream.until("\"content\":\"first\"").await;
        server.drain.cancel();
        let rest = stream.until("0\r\n\r\n").await;
        assert!(rest.contains("retry: "), "{rest}");
        assert!(!rest.contains("run."), "{rest}");
    });
}

#[test]
fn a_stream_ends_with_its_credential() {
    let quick = |settings: &mut runloom_http::HttpSettings| {
        settings.heartbeat = Duration::from_millis(50);
        settings.recheck = Duration::from_millis(50);
    };
    with_settings(quick, |server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({"route_id": "holds"})).await;
        let wish = json!({"name": "reader", "scopes": ["runs.read"]});
        let key = ada.post("/v1/api-keys", &wish).await.json();
        let reader = Client::new(server.address, key["key"].as_str().unwrap());
        let eve = colleague(&server, &ada, "eve").await;
        let events = Request::new("GET", &format!("{run}/events"));
        let mut readers = reader.open(events.clone()).await;
        let mut eves = eve.open(events.clone()).await;
        let mut own = ada.open(events.clone()).await;
        let login = json!({"login": "ada", "password": "correct horse battery"});
        let other = server.nobody().post("/v1/auth/login", &login).await.json();
        let other = Client::new(server.address, other["access_token"].as_str().unwrap());
        let mut others = other.open(events).await;
        for stream in [&mut readers, &mut eves, &mut own, &mut others] {
            stream.until("\"content\":\"first\"").await;
            stream.until("\r\n:\n\n\r\n").await;
        }
        let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
        assert_eq!(ada.send(Request::new("DELETE", &path)).await.status, 204);
        let logout = Request::post("/v1/auth/logout");
        assert_eq!(other.send(logout).await.status, 204);
        for stream in [&mut readers, &mut others] {
            let rest = stream.until("0\r\n\r\n").await;
            assert!(rest.contains("retry: ") && !rest.contains("run."), "{rest}");
        }
        // So does one of a run that its reader may not see any more.
        let hide = Request::new("PATCH", "/v1/org").json(&json!({"run_visibility": "own"}));
        assert_eq!(ada.send(hide).await.status, 200);
        let rest = eves.until("0\r\n\r\n").await;
        assert!(rest.contains("retry: ") && !rest.contains("run."), "{rest}");
        server.gate.add_permits(1);
        own.until("run.completed").await;
    });
}

/// A member of the organisation of `by`, who joins by invitation.
async fn colleague(server: &Server, by: &Client, login: &str) -> Client {
    let email = format!("{login}@example.com");
    let wish = json!({"email": email, "role": "member"});
    let token = by.post("/v1/invitations", &wish).await.json()["token"].clone();
    let body = json!({
        "login": login, "email": email, "password": "correct horse battery", "invitation": token,
    });
    let new = by.post("/v1/auth/register", &body).await.json();
    Client::new(server.address, new["access_token"].as_str().unwrap())
}

#[test]
fn only_so_many_streams() {
    with_settings(
        |settings| settings.max_streams = 1,
        |server| async move {
            let ada = server.somebody("ada").await;
            let thread = thread(&ada).await;
            let run = start(&ada, &thread, &json!({"route_id": "holds"})).await;
            let path = format!("{run}/events");
            let mut first = ada.open(Request::new("GET", &path)).await;
            first.until("\"content\":\"first\"").await;
            let refused = ada.get(&path).await;
            assert_eq!(refused.failure(), (503, "service.too_many_streams".into()));
            assert!(refused.header("retry-after").is_some());
            drop(first);
            // The place is free as soon as the server has seen that the client is gone.
            for _ in 0..100 {
                let replay = ada.get(&format!("{path}?follow=0")).await;
                if replay.status == 200 {
                    return;
                }
                tokio::task::yield_now().await;
            }
            panic!("the place was not given back");
        },
    );
}
