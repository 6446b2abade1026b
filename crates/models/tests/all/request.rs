//! Model calls for tests.

use std::time::Duration;

use runloom_domain::{
    Generation, Message, MessageBody, MessageId, OrgId, Route, RouteTimeouts, RunId, ThreadId,
};
use runloom_engine::port::model::ModelRequest;
use runloom_models::{ApiKey, Endpoint, Models, UrlOwner};
use uuid::Uuid;

/// A key that must never show up anywhere but in the `Authorization` header.
pub(crate) const CANARY: &str = "sk-CANARY-7f3a";

/// The id of the run that calls.
pub(crate) fn run_id() -> RunId {
    RunId::from_uuid(Uuid::from_u128(7))
}

/// A model behind the endpoint at `url`, for routes called `r`.
pub(crate) fn models(url: &str) -> Models {
    models_at([("r".to_owned(), url.to_owned())])
}

/// A model behind several endpoints, given by route and URL.
pub(crate) fn models_at(endpoints: impl IntoIterator<Item = (String, String)>) -> Models {
    let mut models = Models::builder();
    for (route_id, base_url) in endpoints {
        let api_key = Some(ApiKey::new(CANARY));
        let endpoint = Endpoint {
            base_url: Some(base_url),
            url_owner: UrlOwner::Operator,
            api_key,
        };
        models = models.endpoint(route_id, endpoint);
    }
    models.build().unwrap()
}

/// A call of the route `r` with `user` as the only message.
pub(crate) fn request(user: &str) -> ModelRequest {
    let content = user.to_owned();
    ModelRequest {
        org_id: OrgId::from_uuid(Uuid::nil()),
        run_id: run_id(),
        step: 1,
        attempt: 1,
        route: route(Models::OPENAI_CHAT, "m"),
        prompt: "Be brief.".into(),
        messages: vec![message(1, MessageBody::User { content })],
        tools: vec![],
        generation: Generation::default(),
        max_output_tokens: None,
    }
}

/// The same by a route of that kind.
pub(crate) fn request_of(kind: &str, user: &str) -> ModelRequest {
    let mut request = request(user);
    kind.clone_into(&mut request.route.kind);
    request
}

/// The same with timeouts short enough to wait for.
pub(crate) fn impatient(timeout: Duration) -> ModelRequest {
    let mut request = request("hello");
    let millis = u64::try_from(timeout.as_millis()).unwrap();
    request.route.timeouts = RouteTimeouts {
        header_ms: millis,
        idle_ms: millis,
        ..RouteTimeouts::default()
    };
    request
}

/// The route `r`.
pub(crate) fn route(kind: &str, model: &str) -> Route {
    let json = serde_json::json!({"route_id": "r", "model": model, "kind": kind});
    serde_json::from_value(json).unwrap()
}

/// A message of the calling run.
pub(crate) fn message(position: u64, body: MessageBody) -> Message {
    Message {
        id: MessageId::from_uuid(Uuid::from_u128(u128::from(position))),
        org_id: OrgId::from_uuid(Uuid::nil()),
        thread_id: ThreadId::from_uuid(Uuid::nil()),
        run_id: Some(run_id()),
        position,
        body,
        created_by_user_id: None,
        created_at: runloom_domain::Timestamp::from_micros(1),
    }
}
