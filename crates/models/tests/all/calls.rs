//! Which adapter serves a call.

use runloom_engine::port::model::{ModelErrorKind, ModelPort};
use runloom_models::{Models, ScriptedModel};

use crate::request::{models, request, route};

#[tokio::test]
async fn a_kind_without_an_adapter_is_not_configured() {
    let with_endpoint = models("http://127.0.0.1:9/v1");
    let scripted_only = Models::builder()
        .scripted(ScriptedModel::new().with_demo())
        .build()
        .unwrap();
    for (models, kind) in [
        (&with_endpoint, "carrier_pigeon"),
        (&with_endpoint, "scripted"),
        (&scripted_only, "openai_chat"),
    ] {
        let mut request = request("hello");
        request.route = route(kind, "demo");
        let error = models.call(request).await.err().unwrap();
        assert_eq!(error.kind, ModelErrorKind::NotConfigured, "{kind}");
    }
}

#[tokio::test]
async fn a_route_without_an_endpoint_is_not_configured() {
    let mut request = request("hello");
    request.route.route_id = "another".into();
    let error = models("http://127.0.0.1:9/v1").call(request).await;
    assert_eq!(error.err().unwrap().kind, ModelErrorKind::NotConfigured);
}
