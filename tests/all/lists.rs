//! Lists: fields, filters, bounds and cursors that neither skip nor repeat.

use std::collections::BTreeSet;

use runloom_tests::{Answer, Client, Setup, both_stores, call, script, text};
use serde_json::{Value, json};

fn ids(page: &Value, field: &str) -> Vec<String> {
    let rows = page.as_array().expect("a bare array").iter();
    rows.map(|row| row[field].as_str().expect("an id").to_owned())
        .collect()
}

/// All pages of a list, and their rows' ids.
async fn walk(client: &Client, path: &str, field: &str, between: impl AsyncFn()) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let before = if cursor.is_empty() {
            String::new()
        } else {
            format!("&before={cursor}")
        };
        let page = client
            .get(&format!("{path}{separator}limit=3{before}"))
            .await;
        cursor = page.header("x-next-cursor").to_owned();
        check_link(&page, &cursor);
        let rows = ids(&page.expect(200), field);
        assert!(rows.len() == 3 || cursor.is_empty());
        all.extend(rows);
        if cursor.is_empty() {
            return all;
        }
        between().await;
    }
}

fn check_link(page: &Answer, cursor: &str) {
    let link = page.header("link");
    if cursor.is_empty() {
        assert_eq!(link, "");
    } else {
        assert!(
            link.contains(cursor) && link.ends_with("rel=\"next\""),
            "{link}"
        );
    }
}

both_stores! {
    async fn the_organisations_runs_have_every_field_always(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("hi")]))
            .scripted("ask", script([call("ask_user", json!({ "question": "?" }))]))
            .start().await;
        let client = node.client();
        let done = client.run(&json!({})).await;
        client.follow(&done).await;
        let waiting = client.run(&json!({ "route_id": "ask" })).await;
        client.events(&waiting, "").await.until("run.waiting_for_input").await;
        let me = client.get("/v1/me").await.expect(200);
        let rows = client.get("/v1/runs").await.expect(200);
        assert_eq!(ids(&rows, "run_id"), [waiting, done]);
        let fields: BTreeSet<&str> = [
            "run_id", "org_id", "thread_id", "status", "model", "persona_id",
            "total_input_tokens", "total_output_tokens", "total_cost_usd", "duration_ms",
            "cache_hit_rate", "credits_used", "created_at", "completed_at", "failed_at",
            "created_by_user_id", "created_by_user_name", "created_by_email",
        ].into();
        for row in rows.as_array().expect("an array") {
            let row = row.as_object().expect("an object");
            assert_eq!(row.keys().map(String::as_str).collect::<BTreeSet<_>>(), fields);
        }
        let [waiting, done] = [&rows[0], &rows[1]];
        assert_eq!((&done["status"], &done["model"]), (&json!("completed"), &json!("m")));
        assert_eq!(done["persona_id"], "assistant@1");
        assert_eq!(done["created_by_user_id"], me["user_id"]);
        assert_eq!(done["created_by_user_name"], me["login"]);
        assert_eq!(done["created_by_email"], me["email"]);
        assert!(done["completed_at"].is_string() && done["failed_at"].is_null());
        assert!(done["duration_ms"].is_u64() && done["credits_used"].is_u64());
        for unknown in ["duration_ms", "credits_used", "completed_at", "failed_at"] {
            assert!(waiting[unknown].is_null(), "{unknown}");
        }
    }

    async fn a_threads_runs_show_the_given_three_fields(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({})).await;
        client.follow(&run).await;
        client.follow(&client.run(&json!({})).await).await;
        let path = format!("/v1/threads/{thread}/runs");
        let rows = client.get(&path).await.expect(200);
        let expected = json!([{
            "run_id": run, "status": "completed", "created_at": rows[0]["created_at"],
        }]);
        assert_eq!(rows, expected);
        let none = "/v1/threads/0190c9d6-1b6f-7d4e-8f00-000000000000/runs";
        client.get(none).await.expect_error(404, "threads.not_found");
    }

    async fn runs_are_filtered_by_status(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("hi")]))
            .scripted("ask", script([call("ask_user", json!({ "question": "?" }))]))
            .scripted("bad", script([json!([{ "error": { "kind": "unauthorized" } }])]))
            .start().await;
        let client = node.client();
        let done = client.run(&json!({})).await;
        client.follow(&done).await;
        let waiting = client.run(&json!({ "route_id": "ask" })).await;
        client.events(&waiting, "").await.until("run.waiting_for_input").await;
        let failed = client.run(&json!({ "route_id": "bad" })).await;
        client.follow(&failed).await;
        for (filter, expected) in [
            ("completed", vec![&done]),
            ("failed", vec![&failed]),
            ("failed,completed", vec![&failed, &done]),
            ("queued,running,waiting_for_input,cancelling,completed,failed,cancelled",
                vec![&failed, &waiting, &done]),
            ("cancelled", vec![]),
        ] {
            let rows = client.get(&format!("/v1/runs?status={filter}")).await.expect(200);
            assert_eq!(ids(&rows, "run_id").iter().collect::<Vec<_>>(), expected, "{filter}");
        }
        for bad in ["done", "completed,", "Completed", ""] {
            let answer = client.get(&format!("/v1/runs?status={bad}")).await;
            answer.expect_error(422, "validation.error");
        }
    }

    async fn pages_neither_skip_nor_repeat_while_rows_are_added(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let mut threads = Vec::new();
        for _ in 0..8 {
            threads.push(client.thread().await);
        }
        let mut runs = Vec::new();
        for thread in &threads[..7] {
            runs.push(client.run_in(thread, &json!({})).await);
        }
        threads.reverse();
        runs.reverse();
        let add = async || { client.run(&json!({})).await; };
        assert_eq!(walk(&client, "/v1/threads", "id", add).await, threads);
        let add = async || { client.run(&json!({})).await; };
        let statuses = "/v1/runs?status=running,completed";
        let added = walk(&client, statuses, "run_id", add).await;
        assert!(added.ends_with(&runs));
        assert_eq!(added.iter().collect::<BTreeSet<_>>().len(), added.len());
    }

    async fn limits_have_bounds(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let lists = ["/v1/runs".to_owned(), "/v1/threads".to_owned(), "/v1/api-keys".to_owned(),
            format!("/v1/threads/{thread}/runs"), format!("/v1/threads/{thread}/messages")];
        for list in lists {
            for good in ["1", "200"] {
                client.get(&format!("{list}?limit={good}")).await.expect(200);
            }
            for bad in ["0", "201", "-1", "x", "1.5", "%2B5", "99999999999999999999", ""] {
                let answer = client.get(&format!("{list}?limit={bad}")).await;
                let error = answer.expect_error(422, "validation.error");
                assert!(error["details"]["limit"].is_string(), "{list} {bad}: {error}");
            }
            let answer = client.get(&format!("{list}?before=nonsense")).await;
            answer.expect_error(422, "validation.error");
        }
    }

    async fn messages_and_keys_have_pages_too(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/messages");
        let (mut messages, mut keys) = (Vec::new(), Vec::new());
        let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
        for n in 0..7 {
            let message = json!({ "content": format!("{n}") });
            messages.push(id(&client.post(&path, &message).await.expect(201)));
            let key = json!({ "name": format!("{n}") });
            keys.push(id(&client.post("/v1/api-keys", &key).await.expect(201)));
        }
        messages.reverse();
        keys.reverse();
        let add = async || { client.post(&path, &json!({ "content": "x" })).await.expect(201); };
        assert_eq!(walk(&client, &path, "id", add).await, messages);
        let add = async || { client.post("/v1/api-keys", &json!({ "name": "x" })).await.expect(201); };
        let walked = walk(&client, "/v1/api-keys", "id", add).await;
        assert_eq!(walked[..7], keys);
        assert_eq!(walked.len(), 8, "the key of the first start comes last");
    }
}
