use std::time::{Duration, Instant};

use runloom_tests::{RawConnection, Setup, both_stores};
use serde_json::{Value, json};

both_stores! {
    async fn a_stalled_body_is_408(store: Store) {
        let node = Setup::new(store).start().await;
        let mut connection = RawConnection::open(node.base()).await;
        let head = format!(
            "POST /v1/threads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"title\":",
            node.key()
        );
        connection.send(head).await;
        let since = Instant::now();
        let (status, body) = connection.answer().await;
        let waited = since.elapsed();
        assert!(waited > Duration::from_secs(8) && waited < Duration::from_secs(14), "{waited:?}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, &body["code"]), (408, &json!("request.body_timeout")));
        assert_eq!(body["trace_id"].as_str().map(str::len), Some(32));
        assert_eq!(node.client().get("/v1/threads").await.expect(200), json!([]));
    }

    async fn a_body_without_a_length_has_the_same_limit(store: Store) {
        let node = Setup::new(store).start().await;
        let mut connection = RawConnection::open(node.base()).await;
        let head = format!(
            "POST /v1/threads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            node.key()
        );
        connection.send(head).await;
        for _ in 0..17 {
            connection.send(format!("10000\r\n{}\r\n", " ".repeat(0x1_0000))).await;
        }
        let (status, body) = connection.answer().await;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, &body["code"]), (413, &json!("request.too_large")));
        assert_eq!(node.client().get("/v1/threads").await.expect(200), json!([]));
    }

    async fn a_client_that_leaves_in_mid_write_leaves_a_whole_thing_or_nothing(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        for _ in 0..50 {
            let mut connection = RawConnection::open(node.base()).await;
            let request = format!(
                "POST /v1/threads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
                 Content-Length: 0\r\n\r\n",
                node.key()
            );
            connection.send(request).await;
            drop(connection);
        }
        // The next write isn't held up by what the others left.
        let since = Instant::now();
        client.thread().await;
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
        let threads = client.get("/v1/threads?limit=200").await.expect(200);
        for thread in threads.as_array().expect("an array") {
            let id = thread["id"].as_str().expect("an id");
            client.run_in(id, &json!({})).await;
        }
    }

    async fn what_is_not_http_is_refused(store: Store) {
        let node = Setup::new(store).start().await;
        for bytes in ["GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n",
            "POST /v1/threads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST /v1/threads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"] {
            let mut connection = RawConnection::open(node.base()).await;
            connection.send(bytes).await;
            let (status, _) = connection.answer().await;
            assert!((400..500).contains(&status), "{bytes:?}: {status}");
        }
        node.client().get("/v1/me").await.expect(200);
    }

    async fn a_head_that_does_not_end_is_refused(store: Store) {
        let node = Setup::new(store).start().await;
        let mut slow = RawConnection::open(node.base()).await;
        slow.send("GET /v1/me HTTP/1.1\r\nHost: x\r\n").await;
        let mut long = RawConnection::open(node.base()).await;
        long.send(format!("GET /v1/me HTTP/1.1\r\nX-Long: {}", "x".repeat(200_000))).await;
        assert_eq!(long.answer().await, (431, String::new()));
        let since = Instant::now();
        assert_eq!(slow.answer().await, (408, String::new()));
        assert!(since.elapsed() < Duration::from_secs(9), "{:?}", since.elapsed());
    }
}
