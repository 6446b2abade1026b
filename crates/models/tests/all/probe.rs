//! Trying endpoints out.

use std::time::Duration;

use runloom_engine::port::model::ModelErrorKind;
use runloom_models::{ApiKey, Endpoint, Models, UrlOwner};

use crate::mock::Provider;
use crate::request::CANARY;
use crate::wire::{WIRES, answer};

fn at(url: &str, url_owner: UrlOwner) -> Endpoint {
    Endpoint {
        base_url: Some(url.to_owned()),
        url_owner,
        api_key: Some(ApiKey::new(CANARY)),
    }
}

fn models() -> Models {
    Models::builder().build().unwrap()
}

#[tokio::test]
async fn a_probe_is_one_small_call_in_every_format() {
    let models = models();
    for wire in WIRES {
        let mut provider = Provider::answering(wire.answer("ok")).await;
        let endpoint = at(&provider.url, UrlOwner::Operator);
        let latency = models.probe(wire.kind(), &endpoint, "m").await.unwrap();
        assert!(latency < Duration::from_secs(20) && !latency.is_zero());
        let seen = provider.request().await;
        let start = format!("POST {} HTTP/1.1\r\n", wire.path());
        assert!(seen.head.starts_with(&start), "{}", seen.head);
        // However the format calls its limit on output.
        let body = seen.body.to_string();
        assert!(body.contains(":16"), "{body}");
    }
}

#[tokio::test]
async fn a_probe_says_why_there_is_no_answer() {
    let models = models();
    let body =
        format!(r#"{{"error":{{"message":"{CANARY} is no key","code":"invalid_api_key"}}}}"#);
    let provider = Provider::answering(answer("401 Unauthorized", "", &body)).await;
    let endpoint = at(&provider.url, UrlOwner::Operator);
    let error = models
        .probe("openai_chat", &endpoint, "m")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unauthorized);
    assert_eq!(error.message, "the provider answered 401 (invalid_api_key)");
    let tenants = at(&provider.url, UrlOwner::Tenant);
    for (kind, endpoint) in [("openai_chat", &tenants), ("scripted", &endpoint)] {
        let error = models.probe(kind, endpoint, "m").await.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::NotConfigured, "{kind}");
    }
}
