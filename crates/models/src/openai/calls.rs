//! Tool calls, put together from their pieces.

use runloom_domain::text::without_nul;
use runloom_engine::port::model::ModelEvent;

use super::chunk::{Arguments, ToolCallPart};

/// The most calls in one answer.
const MAX_CALLS: usize = 128;
/// The most bytes of names, ids and arguments of all calls of one answer.
const MAX_BYTES: usize = 1024 * 1024;

/// Why tool calls can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadCalls {
    TooLarge,
    NoName,
}

/// The calls of one answer, in the order of their first pieces.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<Call>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl ToolCalls {
    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a piece to the call it belongs to.
    pub(super) fn add(&mut self, part: ToolCallPart) -> Result<(), BadCalls> {
        let id = part.id.unwrap_or_default();
        let (name, arguments) = part
            .function
            .map_or((None, None), |f| (f.name, f.arguments));
        let name = name.unwrap_or_default();
        let arguments = match arguments {
            Some(Arguments::Text(text)) => text,
            Some(Arguments::Object(object)) => serde_json::Value::Object(object).to_string(),
            None => String::new(),
        };
        self.bytes += id.len() + name.len() + arguments.len();
        let call = self.call_of(part.index, &id, !name.is_empty());
        if call.id.is_empty() {
            call.id = id;
        }
        // A name comes whole, in the first piece; some providers repeat it in each.
        if call.name.is_empty() {
            call.name = name;
        }
        call.arguments.push_str(&arguments);
        if self.bytes > MAX_BYTES || self.calls.len() > MAX_CALLS {
            return Err(BadCalls::TooLarge);
        }
        Ok(())
    }

    /// The call with that index, or the last one for pieces without an index. A new id together
    /// with a name begins a new call even under an old index: some providers number every call 0.
    fn call_of(&mut self, index: Option<u64>, id: &str, named: bool) -> &mut Call {
        let same_index = |call: &Call| index.is_none() || call.index == index;
        let found = self.calls.iter().rposition(same_index).filter(|at| {
            let own = &self.calls[*at].id;
            !named || id.is_empty() || own.is_empty() || own == id
        });
        let at = found.unwrap_or_else(|| {
            self.calls.push(Call {
                index,
                ..Call::default()
            });
            self.calls.len() - 1
        });
        &mut self.calls[at]
    }

    /// The finished calls. Arguments that the model left out are an empty object.
    pub(super) fn finish(self) -> Result<Vec<ModelEvent>, BadCalls> {
        let event = |(at, call): (usize, Call)| {
            if call.name.is_empty() {
                return Err(BadCalls::NoName);
            }
            let arguments = match call.arguments.trim() {
                "" => "{}".to_owned(),
                arguments => without_nul(arguments).into_owned(),
            };
            Ok(ModelEvent::ToolCall {
                provider_id: match call.id {
                    id if id.is_empty() => format!("call_{at}"),
                    id => without_nul(&id).into_owned(),
                },
                name: without_nul(&call.name).into_owned(),
                arguments,
            })
        };
        self.calls.into_iter().enumerate().map(event).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Id, name and arguments of the calls that the pieces make.
    fn joined(parts: &[&str]) -> Result<Vec<[String; 3]>, BadCalls> {
        let mut calls = ToolCalls::default();
        for part in parts {
            calls.add(serde_json::from_str(part).unwrap())?;
        }
        let fields = |event| match event {
            ModelEvent::ToolCall {
                provider_id,
                name,
                arguments,
            } => [provider_id, name, arguments],
            other => panic!("{other:?}"),
        };
        Ok(calls.finish()?.into_iter().map(fields).collect())
    }

    #[test]
    fn interleaved_calls_are_kept_apart() {
        let calls = joined(&[
            r#"{"index":0,"id":"a","type":"function","function":{"name":"t","arguments":""}}"#,
            r#"{"index":1,"id":"b","function":{"name":"u","arguments":"{\"y\""}}"#,
            r#"{"index":0,"function":{"arguments":"{\"x\":1"}}"#,
            r#"{"index":1,"function":{"name":null,"arguments":":2}"}}"#,
            r#"{"index":0,"id":"a","function":{"arguments":"}"}}"#,
        ]);
        assert_eq!(
            calls.unwrap(),
            [["a", "t", r#"{"x":1}"#], ["b", "u", r#"{"y":2}"#]]
        );
    }

    #[test]
    fn dialects_are_understood() {
        let all_zero = joined(&[
            r#"{"index":0,"id":"a","function":{"name":"t","arguments":"{}"}}"#,
            r#"{"index":0,"id":"b","function":{"name":"t","arguments":"{\"x\":1}"}}"#,
        ]);
        assert_eq!(
            all_zero.unwrap(),
            [["a", "t", "{}"], ["b", "t", r#"{"x":1}"#]]
        );
        let no_index = joined(&[
            r#"{"id":"a","function":{"name":"t","arguments":{"x":1}}}"#,
            r#"{"id":"b","function":{"name":"u"}}"#,
        ]);
        assert_eq!(
            no_index.unwrap(),
            [["a", "t", r#"{"x":1}"#], ["b", "u", "{}"]]
        );
        let no_id = joined(&[r#"{"index":0,"function":{"name":"t","arguments":""}}"#]);
        assert_eq!(no_id.unwrap(), [["call_0", "t", "{}"]]);
    }

    #[test]
    fn nameless_and_endless_calls_are_errors() {
        let nameless = joined(&[r#"{"index":0,"id":"a","function":{"arguments":"{}"}}"#]);
        assert_eq!(nameless, Err(BadCalls::NoName));
        let part = format!(
            r#"{{"index":0,"function":{{"name":"t","arguments":"{}"}}}}"#,
            "x".repeat(MAX_BYTES / 2)
        );
        assert_eq!(joined(&[&part, &part]), Err(BadCalls::TooLarge));
        let many: Vec<String> = (0..=MAX_CALLS)
            .map(|n| format!(r#"{{"index":{n},"function":{{"name":"t"}}}}"#))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(joined(&many), Err(BadCalls::TooLarge));
    }
}
