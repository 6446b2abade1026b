use actix_web::HttpResponse;
use runloom_domain::CredentialId;
use serde::Serialize;
use utoipa::ToSchema;

use super::not_found;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, RoutesManage, Size};

/// With which model a credential is tried.
#[derive(ToSchema)]
pub(crate) struct TestCredentialBody {
    /// The provider's name of it.
    #[schema(example = "gpt-4.1-mini", max_length = 200, min_length = 1)]
    model: String,
}

impl Body for TestCredentialBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            model: fields.text("model", Size::Chars(1, 200)),
        }
    }
}

/// What became of the try.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialTest {
    /// Whether the model answered.
    ok: bool,
    /// How long its whole answer took, in milliseconds; null when there was none.
    #[schema(required)]
    latency_ms: Option<u64>,
    /// Why it didn't.
    #[schema(required)]
    error: Option<CredentialTestError>,
}

/// Why a model didn't answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialTestError {
    /// As a run would fail with.
    #[schema(example = "provider.unauthorized")]
    error_class: &'static str,
    message: String,
}

/// Tries a credential out: one call of a few tokens, which costs what the provider takes for it.
#[utoipa::path(
    post,
    path = "/v1/llm-credentials/{credential_id}:test",
    tag = "configuration",
    params(("credential_id" = Uuid, Path)),
    request_body = TestCredentialBody,
    responses(
        (status = 200, description = "It was tried.", body = CredentialTest),
        (status = 404, description = "`credentials.not_found`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn test_credential(
    call: Call<RoutesManage, CredentialId, (), TestCredentialBody>,
) -> ApiResult {
    let store = call.state.store();
    let found = call
        .state
        .read(store.credential(call.caller.org_id, call.path))
        .await?;
    let record = found.ok_or_else(not_found)?;
    let probe = call.state.configuring().probe.clone();
    let shown = match probe.probe(record, call.body.model).await {
        Ok(took) => CredentialTest {
            ok: true,
            latency_ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            error: None,
        },
        Err(error) => CredentialTest {
            ok: false,
            latency_ms: None,
            error: Some(CredentialTestError {
                error_class: error.kind.class(),
                message: error.message,
            }),
        },
    };
    Ok(HttpResponse::Ok().json(shown))
}
