//! Which endpoint a call goes to, and with whose client.

use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{CredentialId, OrgId, Route};
use runloom_engine::port::model::ModelErrorKind;
use runloom_models::{ApiKey, Endpoint, Endpoints, EndpointsError, Models, UrlOwner};
use uuid::Uuid;

use crate::mock::Provider;
use crate::outcome::{Outcome, outcome};
use crate::request::{CANARY, request};
use crate::wire::Wire;
use crate::wire::chat::Chat;

/// Answers every question in the same way, if it is asked for the right organisation.
struct Source(fn(&str) -> Result<Option<Endpoint>, EndpointsError>, String);

#[async_trait]
impl Endpoints for Source {
    async fn endpoint(&self, org_id: OrgId, _: &Route) -> Result<Option<Endpoint>, EndpointsError> {
        assert_eq!(org_id, OrgId::from_uuid(Uuid::nil()));
        self.0(&self.1)
    }
}

fn endpoint(url: &str, url_owner: UrlOwner, key: &str) -> Endpoint {
    Endpoint {
        base_url: Some(url.to_owned()),
        url_owner,
        api_key: Some(ApiKey::new(key)),
    }
}

fn tenants(url: &str) -> Endpoint {
    endpoint(url, UrlOwner::Tenant, CANARY)
}

fn platforms(url: &str) -> Endpoint {
    endpoint(url, UrlOwner::Operator, CANARY)
}

/// A client whose requests can be told from ours.
fn guarded() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .user_agent("guarded")
        .build()
        .unwrap()
}

/// The call of an organisation's own route.
async fn called(models: &Models) -> Outcome {
    let mut request = request("hello");
    request.route.credential_id = Some(CredentialId::from_uuid(Uuid::from_u128(9)));
    outcome(models, request).await
}

fn source(
    answer: fn(&str) -> Result<Option<Endpoint>, EndpointsError>,
    url: &str,
) -> Arc<dyn Endpoints> {
    Arc::new(Source(answer, url.to_owned()))
}

#[tokio::test]
async fn an_organisation_s_route_never_gets_the_platform_s_credential() {
    let platform = Provider::answering(Chat.answer("platform")).await;
    let mut own = Provider::answering(Chat.answer("own")).await;
    let models = Models::builder()
        // Of the same name.
        .endpoint(
            "r",
            endpoint(&platform.url, UrlOwner::Operator, "platform's"),
        )
        .endpoints(source(|url| Ok(Some(platforms(url))), &own.url))
        .build()
        .unwrap();
    assert_eq!(called(&models).await.line(), "\"own\" 5+0+0>2 Stop");
    let head = own.request().await.head;
    assert!(
        head.contains(CANARY) && !head.contains("platform's"),
        "{head}"
    );
    let without = outcome(&models, request("hello")).await;
    assert_eq!(without.line(), "\"platform\" 5+0+0>2 Stop");
}

#[tokio::test]
async fn a_route_without_a_credential_may_be_looked_up_too() {
    let own = Provider::answering(Chat.answer("own")).await;
    let models = Models::builder()
        .endpoints(source(|url| Ok(Some(platforms(url))), &own.url))
        .build()
        .unwrap();
    let result = outcome(&models, request("hello")).await;
    assert_eq!(result.line(), "\"own\" 5+0+0>2 Stop");
}

#[tokio::test]
async fn tenants_addresses_are_called_by_the_tenants_client_only() {
    let mut own = Provider::answering(Chat.answer("own")).await;
    let without = Models::builder().endpoints(source(|url| Ok(Some(tenants(url))), &own.url));
    let refused = called(&without.build().unwrap()).await.error.unwrap();
    assert_eq!(refused.kind, ModelErrorKind::NotConfigured);
    let with = Models::builder()
        .endpoints(source(|url| Ok(Some(tenants(url))), &own.url))
        .tenant_client(guarded())
        .build()
        .unwrap();
    assert_eq!(called(&with).await.line(), "\"own\" 5+0+0>2 Stop");
    // The first request that came at all.
    let head = own.request().await.head;
    assert!(head.contains("user-agent: guarded\r\n"), "{head}");
}

#[tokio::test]
async fn a_failed_look_up_says_what_is_wrong() {
    let failed = async |answer| {
        let models = Models::builder().endpoints(source(answer, ""));
        let error = called(&models.build().unwrap()).await.error.unwrap();
        (error.kind, error.message)
    };
    let unusable = failed(|_| Err(EndpointsError::Unusable("the credential is revoked".into())));
    let (kind, message) = unusable.await;
    assert_eq!(kind, ModelErrorKind::NotConfigured);
    assert_eq!(message, "the credential is revoked");
    let away = failed(|_| Err(EndpointsError::Unavailable("SECRET".into()))).await;
    assert_eq!(away.0, ModelErrorKind::Unavailable);
    let none = failed(|_| Ok(None)).await;
    assert_eq!(none.0, ModelErrorKind::NotConfigured);
    let (kind, message) = failed(|_| Ok(Some(platforms("ftp://h")))).await;
    assert_eq!(kind, ModelErrorKind::NotConfigured);
    assert!(message.contains("not an http or https URL"), "{message}");
}
