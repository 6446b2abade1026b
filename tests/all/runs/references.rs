use runloom_tests::{Setup, both_stores, script, text};
use serde_json::json;

const PERSONAS: &str = r#"
[[personas]]
key = "clerk"
version = "1"
prompt = "Be brief."
[[personas]]
key = "clerk"
version = "2"
prompt = "Be briefer."
route_id = "second"
"#;

both_stores! {
    async fn a_route_and_a_persona_can_be_chosen(store: Store) {
        let node = Setup::new(store)
            .scripted("first", script([text("1")]))
            .scripted("second", script([text("2")]))
            .toml(PERSONAS)
            .start()
            .await;
        let client = node.client();
        for (body, persona, route) in [
            (json!({}), "clerk@1", "first"),
            (json!({ "persona_id": "clerk" }), "clerk@2", "second"),
            (json!({ "persona_id": "clerk@1" }), "clerk@1", "first"),
            (json!({ "persona_id": "clerk@1", "route_id": "second" }), "clerk@1", "second"),
            (json!({ "persona_id": "clerk@2", "route_id": "first" }), "clerk@2", "first"),
        ] {
            let run = client.run(&body).await;
            let started = client.follow(&run).await.remove(0);
            assert_eq!(started.data["persona_id"], persona, "{body}");
            assert_eq!(started.data["route_id"], route, "{body}");
            assert_eq!(started.data["model"], route, "{body}");
        }
    }

    async fn what_does_not_exist_is_named_before_anything_is_written(store: Store) {
        let node = Setup::new(store).toml(PERSONAS.replace("route_id = \"second\"", "").as_str())
            .start().await;
        let client = node.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        for persona in ["nobody", "clerk@3", "clerk@", "@1", "clerk@1@2"] {
            let answer = client.post(&path, &json!({ "persona_id": persona })).await;
            answer.expect_error(422, "personas.not_found");
        }
        let answer = client.post(&path, &json!({ "route_id": "nowhere" })).await;
        answer.expect_error(422, "routes.not_found");
        let nowhere = "/v1/threads/0190c9d6-1b6f-7d4e-8f00-000000000000/runs";
        client.post_nothing(nowhere).await.expect_error(404, "threads.not_found");
        assert_eq!(client.get(&path).await.expect(200), json!([]));
        assert_eq!(client.get("/v1/runs").await.expect(200), json!([]));
    }

    async fn production_without_a_route_says_so(store: Store) {
        let node = Setup::new(store)
            .variable("RUNLOOM_MODE", "production")
            .variable("RUNLOOM_MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
            .start()
            .await;
        let client = node.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        client.post_nothing(&path).await.expect_error(422, "routes.not_found");
    }
}
