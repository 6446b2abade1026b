use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{Clock, Timestamp, ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::arguments::{object, text};

/// `current_time`: the date and time of the server's clock, in UTC or at an offset from it.
#[derive(Clone)]
pub struct CurrentTime {
    clock: Arc<dyn Clock>,
}

impl CurrentTime {
    /// Tells the time of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Tool for CurrentTime {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "current_time".to_owned(),
            description: "Get the current date and time.".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "timezone": {
                        "type": "string",
                        "description": "Optional. \"UTC\" (the default) or an offset from it \
                            such as \"+02:00\".",
                    },
                },
                "required": [],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    async fn call(&self, _: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let arguments = object(arguments)?;
        let offset = match text(&arguments, "timezone")? {
            Some(timezone) => parse_offset(&timezone).ok_or_else(|| {
                ToolError::invalid_arguments(
                    "timezone must be \"UTC\" or an offset such as \"+02:00\" or \"-05:30\"",
                )
            })?,
            None => UtcOffset::UTC,
        };
        show(self.clock.now(), offset)
            .map(ToolReply::Output)
            .ok_or_else(|| ToolError::failed("the time is out of the calendar's range"))
    }
}

/// `UTC`, `Z`, `GMT`, or an offset of at most 14 hours: `+2`, `+02`, `+0200`, `+02:00`, each
/// also after `UTC` or `GMT`.
fn parse_offset(text: &str) -> Option<UtcOffset> {
    let upper = text.to_ascii_uppercase();
    let offset = upper
        .strip_prefix("UTC")
        .or_else(|| upper.strip_prefix("GMT"))
        .unwrap_or(&upper)
        .trim();
    if offset.is_empty() || offset == "Z" {
        return Some(UtcOffset::UTC);
    }
    let (sign, digits) = match (offset.strip_prefix('+'), offset.strip_prefix(['-', '−'])) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => (digits, "0"),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if minutes > 59 || (hours, minutes) > (14, 0) {
        return None;
    }
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

/// One or two digits.
fn number(digits: &str) -> Option<i8> {
    let fits = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

/// RFC 3339 to the second.
fn show(moment: Timestamp, offset: UtcOffset) -> Option<String> {
    const UTC: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    const LOCAL: &[BorrowedFormatItem<'_>] = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]"
    );
    let format = if offset.is_utc() { UTC } else { LOCAL };
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment.as_micros()) * 1_000)
        .ok()?
        .checked_to_offset(offset)?
        .format(format)
        .ok()
}

#[cfg(test)]
mod tests {
    use runloom_domain::ManualClock;

    use super::*;
    use crate::testing_context::{call, error_of};

    fn tool() -> CurrentTime {
        CurrentTime::new(Arc::new(ManualClock::new(Timestamp::from_micros(
            1_767_225_600_123_456,
        ))))
    }

    #[tokio::test]
    async fn without_arguments_it_is_utc() {
        for nothing in [
            json!({}),
            json!(null),
            json!({"timezone": null}),
            json!({"timezone": " "}),
            json!({"timezone": "utc"}),
            json!({"timezone": "Z"}),
            json!({"city": "Paris"}),
        ] {
            let told = call(&tool(), nothing).await.unwrap();
            assert_eq!(told, "2026-01-01T00:00:00Z");
        }
    }

    #[tokio::test]
    async fn offsets_are_taken_as_people_write_them() {
        for (timezone, told) in [
            ("+02:00", "2026-01-01T02:00:00+02:00"),
            ("+2", "2026-01-01T02:00:00+02:00"),
            ("UTC+0530", "2026-01-01T05:30:00+05:30"),
            ("gmt -3", "2025-12-31T21:00:00-03:00"),
            ("-00:30", "2025-12-31T23:30:00-00:30"),
            ("+14:00", "2026-01-01T14:00:00+14:00"),
        ] {
            let arguments = json!({"timezone": timezone});
            assert_eq!(call(&tool(), arguments).await.unwrap(), told);
        }
    }

    #[tokio::test]
    async fn other_zones_are_refused_in_words() {
        for bad in [
            json!("Europe/Paris"),
            json!("+14:01"),
            json!("+2:60"),
            json!("+123"),
            json!("+é"),
            json!("two"),
            json!(true),
        ] {
            let error = error_of(call(&tool(), json!({"timezone": bad})).await);
            assert_eq!(error.class, "tool.invalid_arguments");
            assert!(error.message.contains("timezone"), "{error}");
        }
        error_of(call(&tool(), json!("UTC")).await);
    }
}
