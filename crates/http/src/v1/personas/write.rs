//! Storing a version of a persona.

use runloom_accounts::Caller;
use runloom_domain::{OrgId, Persona};
use runloom_store::{NewPersona, Once, PersonaRecord, PersonaTarget, StoredAnswer, WritePersona};

use super::body::Said;
use super::{ShownPersona, not_own};
use crate::error::{ApiError, ApiResult, FieldErrors};
use crate::extract::{Access, Answer, Call};
use crate::precondition::failed;
use crate::state::HttpState;

/// Stores a version and answers with it.
pub(super) async fn write<A: Access<Caller = Caller>, P, B>(
    call: &Call<A, P, (), B>,
    target: PersonaTarget,
    said: &Said,
    key: &str,
) -> ApiResult {
    let (state, org) = (&call.state, call.caller.org_id);
    if let Err(refused) = check(state, org, &said.persona).await {
        return call.answered_before(refused).await;
    }
    let mut persona = said.persona.clone();
    key.clone_into(&mut persona.id.key);
    // The answer is made when the version is known.
    let once = call.once()?;
    let once = once.map(|once| Ok::<_, ApiError>(once.answered(&Answer::created(&())?)));
    let new = NewPersona {
        org_id: org,
        target,
        version: said.version.clone(),
        persona,
        is_default: said.is_default,
        created_by: call.caller.user_id,
        created_at: state.now(),
        once: once.transpose()?,
        answer: Box::new(kept),
    };
    let store = state.store();
    let by = call.by();
    let write = async move { store.write_persona(new, by).await };
    match state.configure(org, write).await? {
        Once::Done(outcome) => answer(state, key, outcome),
        Once::Replayed(answer) => Ok(Answer::stored(answer).respond()),
        Once::Conflict(conflict) => Err(conflict.into()),
    }
}

fn kept(record: &PersonaRecord) -> StoredAnswer {
    let body = serde_json::to_string(&ShownPersona::from(record.clone()));
    StoredAnswer {
        status: 201,
        // Plain structs with string keys: the encoder has nothing to fail on.
        body: body.expect("a persona encodes to JSON"),
    }
}

fn answer(state: &HttpState, key: &str, outcome: WritePersona) -> ApiResult {
    match outcome {
        WritePersona::Written(record) => {
            Ok(Answer::created(&ShownPersona::from(*record))?.respond())
        }
        WritePersona::KeyTaken => Err(ApiError::conflict(
            "personas.taken",
            "there is a persona of that key; make a version of it",
        )),
        WritePersona::VersionTaken => Err(ApiError::conflict(
            "personas.version_taken",
            "the persona has or had a version of that name, or one with a higher number",
        )),
        WritePersona::Stale => Err(failed()),
        WritePersona::Absent => Err(not_own(state, key)),
    }
}

/// Checks what a persona refers to: its tools, its route.
async fn check(state: &HttpState, org: OrgId, persona: &Persona) -> Result<(), ApiError> {
    let engine = state.engine();
    let mut errors = FieldErrors::new();
    let unknown = state.read(engine.missing_tool(org, &persona.tools)).await?;
    if let Some(unknown) = unknown {
        errors.insert("tools".to_owned(), format!("there is no tool {unknown}"));
    }
    if let Some(wanted) = &persona.route_id {
        let routes = state.read(engine.routes(org)).await?;
        if !routes.iter().any(|entry| entry.route.route_id == *wanted) {
            let problem = "there is no such route".to_owned();
            errors.insert("route_id".to_owned(), problem);
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(&errors))
    }
}
