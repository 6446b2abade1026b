use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 in hex of a call's arguments: of their JSON text without blanks, with the members of
/// all objects sorted by name. What is written differently and means the same has the same digest.
pub fn arguments_digest(arguments: &Value) -> String {
    let mut text = String::new();
    push(&mut text, arguments);
    hex(&Sha256::digest(text.as_bytes()))
}

fn push(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                push(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                push(text, &Value::String(name.clone()));
                text.push(':');
                push(text, member);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a string cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        arguments_digest(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_everything_else_does() {
        let digest = of(r#"{"a": [1, {"c": "é", "b": null}], "d": 0.1}"#);
        assert_eq!(digest, of(r#"{"d":0.1,"a":[1,{"b":null,"c":"\u00e9"}]}"#));
        let expected = hex(&Sha256::digest(r#"{"a":[1,{"b":null,"c":"é"}],"d":0.1}"#));
        assert_eq!(digest, expected);
        for other in [
            r#"{"a": [{"c": "é", "b": null}, 1], "d": 0.1}"#,
            "{}",
            r#"{"d": 0.2}"#,
        ] {
            assert_ne!(digest, of(other));
        }
    }

    /// What is approved is read again from the log before it runs.
    #[test]
    fn a_number_survives_being_written_and_read() {
        for number in [
            "0.1",
            "123456789.12345678",
            "1e-7",
            "9007199254740993",
            "7.038531e-26",
        ] {
            let value: Value = serde_json::from_str(number).unwrap();
            let again: Value = serde_json::from_str(&value.to_string()).unwrap();
            assert_eq!(
                arguments_digest(&value),
                arguments_digest(&again),
                "{number}"
            );
        }
    }
}
