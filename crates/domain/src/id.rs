use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::Timestamp;

/// The text is not a UUID in its usual form of 36 characters.
#[derive(Debug, thiserror::Error)]
#[error("not a UUID")]
pub struct IdParseError;

/// Random bits for an id. An operating system without randomness can't run a server, so the
/// failure is a panic, not an error that every caller would have to carry.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new UUIDv7, which sorts by `now` to the millisecond.
            pub fn generate(now: Timestamp) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(Builder::from_unix_timestamp_millis(millis, &random()).into_uuid())
            }

            /// Wraps a UUID that was stored or received.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// When it was made, to the millisecond; `None` of one that has no time in it.
            pub fn made_at(self) -> Option<Timestamp> {
                let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
                let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
                Some(Timestamp::from_micros(micros + i64::from(nanos / 1_000)))
            }

            /// The bare UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;

            fn from_str(text: &str) -> Result<Self, IdParseError> {
                // The uuid crate also takes braces, URNs and bare hex; the API takes one form.
                if text.len() != 36 {
                    return Err(IdParseError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdParseError)
            }
        }
    )+};
}

ids! {
    /// An organisation: the tenant that everything else belongs to.
    OrgId
    /// A person with an account, or a service account.
    UserId
    /// A conversation, which holds messages and runs.
    ThreadId
    /// One execution of an agent in a thread.
    RunId
    /// A message of a thread.
    MessageId
    /// A call of a tool, minted by the engine; a provider's own id for it stays private.
    ToolCallId
    /// A question that a waiting run has put to a person.
    RequestId
    /// A process that executes runs; new at each start.
    NodeId
    /// A stored API key; not the key itself.
    ApiKeyId
    /// A person who has signed in somewhere, until they sign out there.
    SessionId
    /// A stored credential of a model provider; not the secret itself.
    CredentialId
    /// A stored way to a model, an organisation's own.
    RouteId
    /// A stored persona through all its versions; runs name it by its key.
    PersonaId
    /// A limit on what may be spent in a day or a month.
    BudgetId
    /// A line in the account of an organisation's credits.
    CreditEntryId
    /// A stored MCP server, an organisation's own.
    McpServerId
    /// A stored HTTP tool, an organisation's own.
    HttpToolId
    /// An invitation into an organisation; not the token itself.
    InvitationId
    /// An entry of an organisation's audit log.
    AuditRecordId
}

/// A W3C trace id: 16 bytes, shown as 32 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// A random trace id.
    pub fn generate() -> Self {
        Self(random())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for TraceId {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, IdParseError> {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        // All zeros is the value that the W3C recommendation calls invalid.
        if text.len() != 32 || !text.bytes().all(lower_hex) || text.bytes().all(|b| b == b'0') {
            return Err(IdParseError);
        }
        u128::from_str_radix(text, 16)
            .map(|n| Self(n.to_be_bytes()))
            .map_err(|_| IdParseError)
    }
}

impl Serialize for TraceId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_it_was_made() {
        let at = Timestamp::from_micros(1_767_225_600_123_000);
        assert_eq!(RunId::generate(at).made_at(), Some(at));
        assert_eq!(RunId::from_uuid(Uuid::nil()).made_at(), None);
    }

    #[test]
    fn ids_sort_by_time() {
        let early = RunId::generate(Timestamp::from_micros(1_000_000));
        let late = RunId::generate(Timestamp::from_micros(2_000_000));
        assert!(early < late);
        assert_eq!(early.as_uuid().get_version_num(), 7);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = RunId::generate(Timestamp::from_micros(1));
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
        assert!(id.as_uuid().simple().to_string().parse::<RunId>().is_err());
        assert!("x".repeat(36).parse::<RunId>().is_err());
    }

    #[test]
    fn trace_ids_are_lowercase_hex_and_never_zero() {
        let id = TraceId::generate();
        assert_eq!(id.to_string().parse::<TraceId>().unwrap(), id);
        assert!("0".repeat(32).parse::<TraceId>().is_err());
        assert!("A".repeat(32).parse::<TraceId>().is_err());
    }
}
