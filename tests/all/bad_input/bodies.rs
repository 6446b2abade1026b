use reqwest::Method;
use runloom_tests::{Answer, Client, RawConnection, Setup, both_stores};
use serde_json::json;

const MIB: usize = 1024 * 1024;

async fn post(client: &Client, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let request = client.request(Method::POST, path).body(body);
    client.send(request.header("Content-Type", kind)).await
}

/// A body of exactly so many bytes that would otherwise be taken.
fn padded(bytes: usize) -> Vec<u8> {
    let mut body = b"{\"title\":\"x\"".to_vec();
    body.resize(bytes - 1, b' ');
    body.push(b'}');
    body
}

both_stores! {
    async fn malformed_json(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        for body in ["{", "{\"title\":}", "nul", "{\"title\":\"x\",}", "{\"title\":'x'}", "{}{}"] {
            let answer = post(&client, "/v1/threads", "application/json", body.into()).await;
            answer.expect_error(400, "request.malformed_json");
        }
        for body in ["[]", "7", "\"title\""] {
            let answer = post(&client, "/v1/threads", "application/json", body.into()).await;
            answer.expect_error(422, "validation.error");
        }
        let not_utf_8 = b"{\"title\":\"\xff\"}".to_vec();
        post(&client, "/v1/threads", "application/json", not_utf_8).await
            .expect_error(422, "validation.error");
        let deep = format!("{{\"metadata\":{}{}}}", "{\"a\":".repeat(300), "}".repeat(300));
        let answer = post(&client, "/v1/threads", "application/json", deep.into()).await;
        assert!((400..=422).contains(&answer.status), "{}", answer.body);
        assert_eq!(client.get("/v1/threads").await.expect(200), json!([]));
    }

    async fn one_mebibyte_is_the_limit(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let answer = post(&client, "/v1/threads", "application/json", padded(MIB)).await;
        answer.expect(201);
        let answer = post(&client, "/v1/threads", "application/json", padded(MIB + 1)).await;
        answer.expect_error(413, "request.too_large");
        assert_eq!(client.get("/v1/threads").await.expect(200).as_array().map(Vec::len), Some(1));
    }

    async fn only_plain_json_is_taken(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let answer = post(&client, "/v1/threads", kind, b"title=x".to_vec()).await;
            answer.expect_error(415, "request.unsupported_media_type");
        }
        let gzip = client.request(Method::POST, "/v1/threads").body("{}")
            .header("Content-Type", "application/json").header("Content-Encoding", "gzip");
        client.send(gzip).await.expect_error(415, "request.unsupported_media_type");
        let charset = "application/json; charset=utf-8";
        post(&client, "/v1/threads", charset, b"{}".to_vec()).await.expect(201);
    }

    async fn nul_and_lone_surrogates_are_refused_in_every_string(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let (threads, runs) = ("/v1/threads".to_owned(), format!("/v1/threads/{thread}/runs"));
        let messages = format!("/v1/threads/{thread}/messages");
        for bad in [r"\u0000", r"a\u0000b", r"\ud800", r"\udc00", r"\ud800x", r"\udc00\ud800"] {
            for (path, field, body) in [
                (&threads, "title", format!("{{\"title\":\"{bad}\"}}")),
                (&threads, "metadata.a[1]", format!("{{\"metadata\":{{\"a\":[1,\"{bad}\"]}}}}")),
                (&messages, "content", format!("{{\"content\":\"{bad}\"}}")),
                (&runs, "input", format!("{{\"input\":\"{bad}\"}}")),
                (&runs, "persona_id", format!("{{\"persona_id\":\"{bad}\"}}")),
            ] {
                let answer = post(&client, path, "application/json", body.into()).await;
                let error = answer.expect_error(422, "validation.error");
                assert!(error["details"][field].is_string(), "{field}: {error}");
            }
        }
        let pair = post(&client, &messages, "application/json",
            br#"{"content":"\ud834\udd1e"}"#.to_vec()).await;
        assert_eq!(pair.expect(201)["content"], "𝄞");
        assert_eq!(client.get(&runs).await.expect(200), json!([]));
    }

    async fn the_limit_holds_for_bodies_of_unknown_length(store: Store) {
        let node = Setup::new(store).start().await;
        let head = format!(
            "POST /v1/threads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
            node.key()
        );
        for (bytes, expected) in [(2_000, 201), (MIB + 1, 413)] {
            let mut connection = RawConnection::open(node.base()).await;
            connection.send(&head).await;
            for piece in padded(bytes).chunks(50_000) {
                connection.send(format!("{:x}\r\n", piece.len())).await;
                connection.send(piece).await;
                connection.send("\r\n").await;
            }
            connection.send("0\r\n\r\n").await;
            let (status, body) = connection.answer().await;
            assert_eq!(status, expected, "{body}");
        }
    }
}
