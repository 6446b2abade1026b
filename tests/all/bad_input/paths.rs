use reqwest::Method;
use runloom_tests::{Client, Setup, both_stores};

both_stores! {
    async fn bad_ids(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        for id in ["x", "1", "0190c9d6-1b6f-7d4e-8f00-00000000000", "0190c9d61b6f7d4e8f00000000000000",
            "%7B0190c9d6-1b6f-7d4e-8f00-000000000000%7D", "%00", "%ff", "..%2f.."] {
            for path in [format!("/v1/runs/{id}"), format!("/v1/threads/{id}/runs"),
                format!("/v1/llm-credentials/{id}")] {
                let answer = client.get(&path).await;
                assert!(
                    matches!(answer.status, 404 | 422),
                    "{path}: {} {}", answer.status, answer.body
                );
                let code = if answer.status == 422 { "validation.error" } else { "request.unknown_path" };
                let status = answer.status;
                answer.expect_error(status, code);
            }
        }
    }

    async fn unknown_paths_and_wrong_methods(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let run = "0190c9d6-1b6f-7d4e-8f00-000000000000";
        for path in ["/", "/v1", "/v1/", "/v2/runs", "/v1/runs/", "/v1/run",
            &format!("/v1/runs/{run}:restart"), &format!("/v1/runs/{run}/events/more")] {
            client.get(path).await.expect_error(404, "request.unknown_path");
        }
        for (method, path, allow) in [
            (Method::DELETE, "/v1/runs".to_owned(), "GET"),
            (Method::PUT, "/v1/threads".to_owned(), "POST"),
            (Method::GET, format!("/v1/runs/{run}:cancel"), "POST"),
            (Method::POST, format!("/v1/runs/{run}/events"), "GET"),
        ] {
            let answer = client.send(client.request(method, &path)).await;
            assert!(answer.header("allow").contains(allow), "{path}: {}", answer.header("allow"));
            answer.expect_error(405, "request.method_not_allowed");
        }
    }

    async fn without_a_credential_everything_is_401(store: Store) {
        let node = Setup::new(store).start().await;
        let anonymous = Client::anonymous(node.base());
        for path in ["/v1/runs", "/v1/threads", "/v1/me", "/v1/api-keys", "/v1/llm-credentials",
            "/v1/llm-routes", "/v1/personas"] {
            let answer = anonymous.get(path).await;
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            answer.expect_error(401, "auth.unauthorized");
        }
        let key = node.key();
        let other_secret = format!("{}A", &key[..key.len() - 1]);
        let last_differs = other_secret != key;
        for token in ["", "x", "rl_", "rl_12345678_", &key[..key.len() - 1], &format!("{key}x"),
            if last_differs { &other_secret } else { "rl_" }, "eyJhbGciOiJub25lIn0.e30."] {
            let client = Client::new(node.base(), token);
            client.get("/v1/me").await.expect_error(401, "auth.unauthorized");
        }
        let request = anonymous.request(Method::GET, "/v1/me");
        let basic = request.header("Authorization", format!("Basic {key}"));
        anonymous.send(basic).await.expect_error(401, "auth.unauthorized");
    }

    async fn head_is_get_without_a_body(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &serde_json::json!({})).await;
        for path in ["/healthz".to_owned(), "/readyz".to_owned(), "/v1/me".to_owned(),
            "/v1/runs".to_owned(), format!("/v1/threads/{thread}"), format!("/v1/runs/{run}")] {
            let answer = client.send(client.request(Method::HEAD, &path)).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
            assert_eq!(answer.header("x-trace-id").len(), 32, "{path}");
        }
        let events = format!("/v1/runs/{run}/events");
        let answer = client.send(client.request(Method::HEAD, &events)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET"));
    }
}
