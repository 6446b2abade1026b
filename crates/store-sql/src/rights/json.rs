//! Values as they stand in a line.

use runloom_domain::{Timestamp, hex};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::form::Field;
use crate::copy::image::{Image, Kind, Value};

/// Appends a value.
pub(super) fn write(out: &mut Vec<u8>, field: &Field, image: &Image) -> Result<(), &'static str> {
    let value = field.kind.value(image).ok_or("the value is damaged")?;
    match (field.kind, value) {
        (_, Value::Null) => out.extend_from_slice(b"null"),
        (Kind::Id, Value::Bytes(bytes)) => {
            let id = Uuid::from_slice(&bytes).map_err(|_| "an id has 16 bytes")?;
            quote(out, &id.to_string())?;
        }
        (Kind::Bytes, Value::Bytes(bytes)) => quote(out, &hex(&bytes))?,
        (Kind::Text, Value::Bytes(bytes)) => {
            let text = std::str::from_utf8(&bytes).map_err(|_| "the text is not UTF-8")?;
            if field.json && stands_alone(text) {
                out.extend_from_slice(text.as_bytes());
            } else {
                quote(out, text)?;
            }
        }
        (Kind::Bool, Value::Integer(number)) => {
            out.extend_from_slice(if number == 0 { b"false" } else { b"true" });
        }
        (Kind::BigInt | Kind::Integer, Value::Integer(number)) => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (Kind::Moment, Value::Integer(micros)) => match moment(micros) {
            Some(text) => quote(out, &text)?,
            None => out.extend_from_slice(micros.to_string().as_bytes()),
        },
        _ => return Err("no such value is known"),
    }
    Ok(())
}

fn quote(out: &mut Vec<u8>, text: &str) -> Result<(), &'static str> {
    serde_json::to_writer(out, text).map_err(|_| "the text can't be quoted")
}

/// Whether a JSON text can stand in a line without a change: an object or an array, on one line.
/// Any other text is quoted, from which it can be told when it is read.
fn stands_alone(text: &str) -> bool {
    text.starts_with(['{', '['])
        && !text.contains(['\n', '\r'])
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get().len() == text.len())
}

/// RFC 3339 with microseconds; `None` for what no calendar has.
fn moment(micros: i64) -> Option<String> {
    let shown = Timestamp::from_micros(micros).to_string();
    let rest = micros.rem_euclid(1_000);
    let text = format!("{}{rest:03}Z", shown.strip_suffix('Z')?);
    let again: Timestamp = text.parse().ok()?;
    (again.as_micros() == micros).then_some(text)
}

/// Reads what [`write()`] has written.
pub(super) fn read(field: &Field, raw: &RawValue) -> Result<Image, &'static str> {
    let text = raw.get();
    if text == "null" {
        return Ok(Image(None));
    }
    let value = match field.kind {
        Kind::Id => {
            let id: Uuid = unquote(text)?.parse().map_err(|_| "it is no id")?;
            Value::Bytes(id.as_bytes().to_vec())
        }
        Kind::Text if field.json && text.starts_with(['{', '[']) => Value::Bytes(text.into()),
        Kind::Text => Value::Bytes(unquote(text)?.into_bytes()),
        Kind::Bool if text == "true" => Value::Integer(1),
        Kind::Bool if text == "false" => Value::Integer(0),
        Kind::Moment if text.starts_with('"') => {
            let at: Timestamp = unquote(text)?.parse().map_err(|_| "it is no moment")?;
            Value::Integer(at.as_micros())
        }
        Kind::BigInt | Kind::Integer | Kind::Moment => {
            Value::Integer(text.parse().map_err(|_| "it is no whole number")?)
        }
        Kind::Bytes => Value::Bytes(unhex(&unquote(text)?).ok_or("it is not hexadecimal")?),
        Kind::Bool => return Err("it is not of the field's type"),
    };
    field.kind.image(value)
}

fn unquote(text: &str) -> Result<String, &'static str> {
    serde_json::from_str(text).map_err(|_| "it is no string")
}

/// The bytes of pairs of hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::form::{bytes as binary, flag, id, json, moment, number, small, text};
    use super::*;

    fn written(field: &Field, value: Value) -> String {
        let image = field.kind.image(value).unwrap();
        let mut out = Vec::new();
        write(&mut out, field, &image).unwrap();
        let text = String::from_utf8(out).unwrap();
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        assert_eq!(read(field, raw), Ok(image), "{text}");
        text
    }

    #[test]
    fn each_value_is_read_as_it_was_written() {
        let bytes = |text: &str| Value::Bytes(text.into());
        let shown = [
            (
                id("x"),
                bytes("0123456789abcdef"),
                "\"30313233-3435-3637-3839-616263646566\"",
            ),
            (text("x"), bytes("a \"b\"\n"), r#""a \"b\"\n""#),
            (
                json("x"),
                bytes(r#"{"b": 1.50,"a":"\u00e9"}"#),
                r#"{"b": 1.50,"a":"\u00e9"}"#,
            ),
            (json("x"), bytes("{\"a\":\n1}"), r#""{\"a\":\n1}""#),
            (json("x"), bytes("[1] "), r#""[1] ""#),
            (json("x"), bytes("\"a\""), r#""\"a\"""#),
            (json("x"), bytes("null"), r#""null""#),
            (json("x"), bytes("{damaged"), r#""{damaged""#),
            (
                number("x"),
                Value::Integer(i64::MIN),
                "-9223372036854775808",
            ),
            (small("x"), Value::Integer(-1), "-1"),
            (flag("x"), Value::Integer(1), "true"),
            (flag("x"), Value::Integer(0), "false"),
            (
                moment("x"),
                Value::Integer(1_767_225_600_123_045),
                "\"2026-01-01T00:00:00.123045Z\"",
            ),
            (
                moment("x"),
                Value::Integer(-1),
                "\"1969-12-31T23:59:59.999999Z\"",
            ),
            (
                moment("x"),
                Value::Integer(i64::MAX / 2),
                "4611686018427387903",
            ),
            (moment("x"), Value::Null, "null"),
        ];
        for (field, value, expected) in shown {
            assert_eq!(written(&field, value), expected);
        }
    }

    #[test]
    fn what_is_not_of_the_fields_type_is_refused() {
        let refused = [
            (id("x"), "\"abc\""),
            (id("x"), "7"),
            (binary("x"), "\"abc\""),
            (binary("x"), "\"é\""),
            (text("x"), "{}"),
            (text("x"), "\"\\u0000\""),
            (json("x"), "7"),
            (number("x"), "1.5"),
            (number("x"), "9223372036854775808"),
            (small("x"), "2147483648"),
            (flag("x"), "1"),
            (moment("x"), "\"yesterday\""),
        ];
        for (field, text) in refused {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert!(read(&field, raw).is_err(), "{text}");
        }
    }
}
