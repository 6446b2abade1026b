use runloom_domain::{CredentialId, RouteId};
use runloom_store::{NewRoute, RouteRecord, RouteSettings};
use uuid::Uuid;

use super::patch::{NewRouteBody, RoutePatch};
use super::{LlmRoute, check};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, RoutesManage};
use crate::v1::params::OnceParams;

/// What a new route consists of.
pub(crate) struct Said(RouteSettings);

impl Body for Said {
    fn from_fields(fields: &mut Fields) -> Self {
        fields.required("credential_id");
        fields.required("model");
        // Both are there, or what is made here isn't used.
        let blank = RouteSettings::new(CredentialId::from_uuid(Uuid::nil()), "");
        Self(RoutePatch::from_fields(fields).applied(blank))
    }
}

/// Makes a route.
#[utoipa::path(
    post,
    path = "/v1/llm-routes",
    tag = "configuration",
    params(OnceParams),
    request_body = NewRouteBody,
    responses(
        (status = 201, description = "Made.", body = LlmRoute),
        (status = 409, description = "`routes.limit_exceeded`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, also for a credential or fallback \
            that isn't there, and for a fallback that leads back to the route.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_llm_route(call: Call<RoutesManage, (), (), Said>) -> ApiResult {
    let (org, now) = (call.caller.org_id, call.state.now());
    let settings = call.body.0.clone();
    let provider = match check(&call.state, org, &settings).await {
        Ok(provider) => provider,
        Err(refused) => return call.answered_before(refused).await,
    };
    let new = NewRoute {
        org_id: org,
        route_id: RouteId::generate(now),
        settings,
        created_by: call.caller.user_id,
        created_at: now,
    };
    let record = RouteRecord {
        org_id: org,
        route_id: new.route_id,
        provider,
        settings: new.settings.clone(),
        version: 1,
        created_by: new.created_by,
        created_at: now,
        updated_at: now,
    };
    let (answer, once) = call.answer(&LlmRoute::from(record))?;
    let store = call.state.store();
    let by = call.by();
    let write = async move { store.create_route(new, once, by).await };
    let outcome = call.state.configure(org, write).await?;
    answer.settle(outcome, |answer, created| {
        created?;
        Ok(answer.respond())
    })
}
