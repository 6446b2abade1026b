//! Headers that organisations have sent with calls of their tools.

use std::collections::BTreeMap;

use actix_web::http::header::HeaderName;
use runloom_accounts::Secret;

use crate::extract::{Fields, Size};
use crate::v1::secret::{self, is_header_value};

/// Headers at most.
const MAX_HEADERS: usize = 32;
/// The longest name and the longest value, in bytes.
const NAME: Size = Size::Bytes(1, 100);
const MAX_VALUE: usize = 4 * 1024;

/// Headers that say how a message is to be read, and those that we set.
const OURS: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// A secret header on its way into the store.
#[derive(Clone)]
pub(crate) struct SaidHeader {
    pub(super) name: String,
    pub(super) value: Secret,
}

/// The body's `headers`, by their names in small letters.
pub(super) fn plain(fields: &mut Fields, name: &str) -> Option<BTreeMap<String, String>> {
    fields.read(name, |value| {
        let problem = |_| "must be an object of strings".to_owned();
        let headers: BTreeMap<String, String> = serde_json::from_value(value).map_err(problem)?;
        if headers.len() > MAX_HEADERS {
            return Err(format!(
                "has {} headers, at most {MAX_HEADERS} are allowed",
                headers.len()
            ));
        }
        let mut taken = BTreeMap::new();
        for (name, value) in headers {
            if value.len() > MAX_VALUE || !is_header_value(&value) {
                return Err(format!(
                    "the value of {name} must be at most {MAX_VALUE} printable ASCII characters"
                ));
            }
            if taken.insert(header_name(&name)?, value).is_some() {
                return Err(format!("{name} is there twice"));
            }
        }
        Ok(taken)
    })
}

/// The body's `secret_header`.
pub(super) fn secret(fields: &mut Fields, name: &str) -> Option<SaidHeader> {
    fields.nested(name, |header| {
        header.required("name");
        header.required("value");
        let name = header.read("name", |value| {
            header_name(value.as_str().ok_or("must be a string")?)
        });
        let value = secret::header_value(header, "value", MAX_VALUE);
        name.zip(value)
            .map(|(name, value)| SaidHeader { name, value })
    })
}

fn header_name(name: &str) -> Result<String, String> {
    NAME.check(name)
        .map_err(|problem| format!("a name {problem}"))?;
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let parsed = parsed.map_err(|_| format!("{name:?} is no name of a header"))?;
    let name = parsed.as_str();
    if OURS.contains(&name) || name.starts_with("runloom-") || name.starts_with("proxy-") {
        return Err(format!("{name} can't be chosen"));
    }
    Ok(name.to_owned())
}
