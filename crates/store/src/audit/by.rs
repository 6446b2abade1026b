use std::net::IpAddr;

use runloom_domain::{ApiKeyId, AuditRecordId, Timestamp, TraceId, UserId};

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, signed in.
    User(UserId),
    /// An API key, and whose it is.
    ApiKey(ApiKeyId, UserId),
    /// Whoever holds a token that names nobody else: to reset a password, to refresh a session.
    Bearer,
    /// Whoever runs the server.
    Operator,
    /// The server by itself.
    System,
}

impl Actor {
    /// The name under which its kind is stored.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiKey(..) => "api_key",
            Self::Bearer => "bearer",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    /// The person or service account; of a key its owner.
    pub const fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::ApiKey(_, user) => Some(user),
            Self::Bearer | Self::Operator | Self::System => None,
        }
    }

    /// The key, if it is one.
    pub const fn api_key_id(self) -> Option<ApiKeyId> {
        match self {
            Self::ApiKey(key, _) => Some(key),
            _ => None,
        }
    }

    /// What was stored; `None` when the parts don't fit each other.
    pub fn from_parts(kind: &str, user: Option<UserId>, key: Option<ApiKeyId>) -> Option<Self> {
        match (kind, user, key) {
            ("user", Some(user), None) => Some(Self::User(user)),
            ("api_key", Some(user), Some(key)) => Some(Self::ApiKey(key, user)),
            ("bearer", None, None) => Some(Self::Bearer),
            ("operator", None, None) => Some(Self::Operator),
            ("system", None, None) => Some(Self::System),
            _ => None,
        }
    }
}

/// Where a request comes from; what isn't known is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's trace.
    pub trace_id: Option<TraceId>,
}

/// By whom, from where and when something is done: what a record says beside what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// The record's id; where something concerns several organisations, in each of them.
    pub record_id: AuditRecordId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

impl By {
    /// Something that is done now; each call names another record.
    pub fn new(actor: Actor, origin: Origin, now: Timestamp) -> Self {
        Self {
            record_id: AuditRecordId::generate(now),
            at: now,
            actor,
            origin,
        }
    }

    /// Something that whoever runs the server does now.
    pub fn operator(now: Timestamp) -> Self {
        Self::new(Actor::Operator, Origin::default(), now)
    }

    /// Something that the server does now, by itself.
    pub fn system(now: Timestamp) -> Self {
        Self::new(Actor::System, Origin::default(), now)
    }
}
