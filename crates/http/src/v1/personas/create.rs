use runloom_domain::PersonaId;
use runloom_store::PersonaTarget;

use super::ShownPersona;
use super::body::{NewPersonaBody, SaidNew};
use super::write::write;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, PersonasManage};
use crate::v1::params::OnceParams;

/// Makes a persona in its first version. One with the key of a platform's takes its place.
#[utoipa::path(
    post,
    path = "/v1/personas",
    tag = "configuration",
    params(OnceParams),
    request_body = NewPersonaBody,
    responses(
        (status = 201, description = "Made.", body = ShownPersona),
        (status = 409, description = "`personas.taken`, `personas.version_taken`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, also for tools and routes that \
            aren't there.", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_persona(call: Call<PersonasManage, (), (), SaidNew>) -> ApiResult {
    let target = PersonaTarget::New(PersonaId::generate(call.state.now()));
    let said = &call.body.0;
    write(&call, target, said, &said.persona.id.key).await
}
