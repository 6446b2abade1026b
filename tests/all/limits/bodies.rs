use runloom_tests::{Client, RawConnection, Setup, Store};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;

/// Every operation that has a body refuses one that says to be too large, before it arrives; one
/// without a body doesn't wait for it.
#[tokio::test]
async fn no_route_waits_for_a_body_that_is_too_large() {
    let setup = Setup::new(Store::Sqlite).variable("RUNLOOM_CREDITS_SELF_SERVICE", "1");
    let node = setup.start().await;
    // A person, since keys may not change what belongs to people.
    let person =
        json!({ "login": "ada", "email": "ada@example.com", "password": "a long passphrase" });
    let person = Client::anonymous(node.base())
        .post("/v1/auth/register", &person)
        .await
        .expect(201);
    let token = person["access_token"].as_str().expect("a token");
    let document = node.client().get("/openapi.json").await.expect(200);
    let mut refused = 0;
    for (path, item) in document["paths"].as_object().expect("an object") {
        for method in ["post", "patch", "put", "delete"] {
            let operation = &item[method];
            if operation.is_null() {
                continue;
            }
            let (status, body) = ask(node.base(), token, method, path).await;
            let has_body = !operation["requestBody"].is_null();
            assert!(
                status == 413 || (!has_body && status < 500),
                "{method} {path}: {status}"
            );
            if status == 413 {
                let body: Value = serde_json::from_str(&body).expect("an envelope");
                assert_eq!(body["code"], "request.too_large", "{method} {path}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

/// Sends the head of a request with a large body to come, and reads the answer.
async fn ask(base: &str, token: &str, method: &str, path: &str) -> (u16, String) {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let parts = path.split_inclusive(['{', '}']);
    let path: String = parts
        .map(|part| match part.strip_suffix(['{', '}']) {
            Some(text) if part.ends_with('{') => text,
            Some(_) => id,
            None => part,
        })
        .collect();
    let mut connection = RawConnection::open(base).await;
    let head = format!(
        "{} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        method.to_ascii_uppercase(),
        token,
        MIB + 1
    );
    connection.send(head).await;
    connection.answer().await
}
