//! JSON as providers write it.

use serde::de::DeserializeOwned;

/// Parses a `data` text. Half a surrogate pair in an escape, which some providers send when
/// they cut a character in two, becomes a replacement character.
pub(crate) fn parse<T: DeserializeOwned>(data: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(data).or_else(|error| match repaired(data) {
        Some(repaired) => serde_json::from_str(&repaired),
        None => Err(error),
    })
}

/// `json` with each lone surrogate escape replaced, or `None` when there is none.
fn repaired(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let length = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                changed = true;
                out.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            // The escaped character goes along, so that `\\` isn't taken for two escapes.
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

enum Half {
    High,
    Low,
}

/// The surrogate that `text` begins with, as an escape.
fn surrogate(text: &str) -> Option<Half> {
    let code = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    match code {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        parse(json).unwrap()
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_kept() {
        assert_eq!(text(r#""a\ud83db""#), "a\u{fffd}b");
        assert_eq!(text(r#""\ude00\ud83d\ude00\ud83d""#), "\u{fffd}😀\u{fffd}");
        assert_eq!(text(r#""\\ud83d\ud83d""#), "\\ud83d\u{fffd}");
        assert_eq!(repaired(r#"{"a":"\n\\"}"#), None);
        assert!(parse::<serde_json::Value>(r#"{"a":"\"#).is_err());
        assert!(parse::<serde_json::Value>(r#"{"a":"\ud83dé"#).is_err());
    }
}
