//! Which providers can be spoken to, and in what format.

mod table;

use std::fmt;

use genai::adapter::AdapterKind;
use http::HeaderName;

use crate::family::Family;
pub(crate) use table::KINDS;

/// A kind of route: a provider, or all that speak one format.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The name in routes.
    pub name: &'static str,
    /// Where it is reached unless an endpoint says otherwise; none for kinds that are spoken by
    /// many.
    pub base_url: Option<&'static str>,
    /// How it is shown the credential.
    pub auth: AuthStyle,
    pub(crate) family: &'static dyn Family,
    /// In whose words genai drafts.
    pub(crate) adapter: AdapterKind,
    /// Whether it holds a model to a JSON schema.
    pub(crate) enforces_schema: bool,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// The header in which a credential is sent. Without a credential there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStyle {
    /// `Authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    XApiKey,
    /// `x-goog-api-key: …`
    XGoogApiKey,
}

impl AuthStyle {
    /// The header's name, and what stands before the credential.
    pub(crate) const fn header(self) -> (HeaderName, &'static str) {
        match self {
            Self::Bearer => (http::header::AUTHORIZATION, "Bearer "),
            Self::XApiKey => (HeaderName::from_static("x-api-key"), ""),
            Self::XGoogApiKey => (HeaderName::from_static("x-goog-api-key"), ""),
        }
    }
}
