//! Personas: manners of agents, an organisation's own and the platform's. A version never
//! changes; a change makes a new one.

mod body;
pub(crate) mod create;
pub(crate) mod create_version;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod get_version;
pub(crate) mod list;
pub(crate) mod list_versions;
mod shown;
mod write;

use runloom_domain::Persona;

use crate::error::ApiError;
use crate::state::HttpState;

pub(crate) use shown::ShownPersona;

fn not_found() -> ApiError {
    ApiError::not_found(
        "personas.not_found",
        "there is no such persona, or not in this version",
    )
}

/// The platform's personas, each in its newest version; the default one first.
fn platforms(state: &HttpState) -> Vec<&Persona> {
    let all = &state.configuring().platform.personas;
    let is_newest = |(index, persona): &(usize, &Persona)| {
        let mut later = all[index + 1..].iter();
        !later.any(|other| other.id.key == persona.id.key)
    };
    let newest = all.iter().enumerate().filter(is_newest);
    newest.map(|(_, persona)| persona).collect()
}

/// A persona of the platform's in a version, or in its newest one.
fn platforms_own<'a>(
    state: &'a HttpState,
    key: &str,
    version: Option<&str>,
) -> Option<&'a Persona> {
    let mut all = state.configuring().platform.personas.iter().rev();
    all.find(|persona| {
        persona.id.key == key && version.is_none_or(|version| persona.id.version == version)
    })
}

/// Whether it is the one that runs speak as when nothing else is said.
fn is_platforms_default(state: &HttpState, persona: &Persona) -> bool {
    let first = state.configuring().platform.personas.first();
    first.is_some_and(|first| first.id.key == persona.id.key)
}

/// What changing a persona that the organisation hasn't got is answered with.
fn not_own(state: &HttpState, key: &str) -> ApiError {
    if platforms_own(state, key, None).is_some() {
        ApiError::conflict(
            "personas.platform",
            "the persona belongs to the platform and can't be changed; \
             one of your own with the same key takes its place",
        )
    } else {
        not_found()
    }
}
