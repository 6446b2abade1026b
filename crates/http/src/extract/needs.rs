//! What routes need of their callers, said once: it is checked, documented and tested from here.

use actix_web::HttpRequest;
use runloom_domain::Permission;

use super::access::Access;
use super::call::Call;

/// What a route needs of its caller.
#[derive(Clone, Copy)]
pub(crate) enum Needs {
    /// Nothing: anybody may call it.
    Nothing,
    /// A good credential with these permissions.
    Permissions(&'static [Permission]),
    /// A person who has signed in, not a key.
    Person,
    /// A good credential of an owner with these permissions.
    Owner(&'static [Permission]),
}

impl Needs {
    /// As the OpenAPI document says it; `None` when there is nothing to say.
    pub(crate) fn words(self) -> Option<Vec<&'static str>> {
        let (word, permissions) = match self {
            Self::Nothing => return None,
            Self::Permissions(permissions) => (None, permissions),
            Self::Person => (Some("person"), [].as_slice()),
            Self::Owner(permissions) => (Some("owner"), permissions),
        };
        let permissions = permissions.iter().map(|permission| permission.as_str());
        Some(word.into_iter().chain(permissions).collect())
    }
}

/// The arguments of a handler, which say what its route needs.
pub(crate) trait Declared {
    /// What that is.
    const NEEDS: Needs;
}

impl Declared for () {
    const NEEDS: Needs = Needs::Nothing;
}

impl Declared for (HttpRequest,) {
    const NEEDS: Needs = Needs::Nothing;
}

impl<A: Access, P, Q, B> Declared for (Call<A, P, Q, B>,) {
    const NEEDS: Needs = A::NEEDS;
}
