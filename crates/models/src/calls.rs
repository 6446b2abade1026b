//! Tool calls, put together from their pieces.

use runloom_domain::text::without_nul;
use runloom_engine::port::model::ModelEvent;

/// The most calls in one answer.
const MAX_CALLS: usize = 128;
/// The most bytes of names, ids and arguments of all calls of one answer.
const MAX_BYTES: usize = 1024 * 1024;

/// Why tool calls can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadCalls {
    TooLarge,
    NoName,
}

/// A piece of a tool call.
#[derive(Debug, Default)]
pub(crate) struct CallPart {
    /// Which call it belongs to; the last one when absent.
    pub(crate) index: Option<u64>,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// The calls of one answer, in the order of their first pieces.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
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
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Adds a piece to the call it belongs to.
    pub(crate) fn add(&mut self, part: CallPart) -> Result<(), BadCalls> {
        let CallPart {
            index,
            id,
            name,
            arguments,
        } = part;
        self.bytes += id.len() + name.len() + arguments.len();
        let call = self.call_of(index, &id, !name.is_empty());
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
    pub(crate) fn finish(self) -> Result<Vec<ModelEvent>, BadCalls> {
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

    type Part = (Option<u64>, &'static str, &'static str, &'static str);

    /// Id, name and arguments of the calls that the pieces make.
    fn joined(parts: impl IntoIterator<Item = Part>) -> Result<Vec<[String; 3]>, BadCalls> {
        let mut calls = ToolCalls::default();
        for (index, id, name, arguments) in parts {
            calls.add(CallPart {
                index,
                id: id.into(),
                name: name.into(),
                arguments: arguments.into(),
            })?;
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
        let calls = joined([
            (Some(0), "a", "t", ""),
            (Some(1), "b", "u", "{\"y\""),
            (Some(0), "", "", "{\"x\":1"),
            (Some(1), "", "", ":2}"),
            (Some(0), "a", "", "}"),
        ]);
        assert_eq!(
            calls.unwrap(),
            [["a", "t", r#"{"x":1}"#], ["b", "u", r#"{"y":2}"#]]
        );
    }

    #[test]
    fn dialects_are_understood() {
        let all_zero = joined([(Some(0), "a", "t", "{}"), (Some(0), "b", "t", "{\"x\":1}")]);
        assert_eq!(
            all_zero.unwrap(),
            [["a", "t", "{}"], ["b", "t", r#"{"x":1}"#]]
        );
        let no_index = joined([(None, "a", "t", "{\"x\":1}"), (None, "b", "u", "")]);
        assert_eq!(
            no_index.unwrap(),
            [["a", "t", r#"{"x":1}"#], ["b", "u", "{}"]]
        );
        let no_id = joined([(Some(0), "", "t", "")]);
        assert_eq!(no_id.unwrap(), [["call_0", "t", "{}"]]);
    }

    #[test]
    fn nameless_and_endless_calls_are_errors() {
        assert_eq!(joined([(Some(0), "a", "", "{}")]), Err(BadCalls::NoName));
        let half: &'static str = "x".repeat(MAX_BYTES / 2).leak();
        let long = (Some(0), "", "t", half);
        assert_eq!(joined([long, long]), Err(BadCalls::TooLarge));
        let many = (0..=MAX_CALLS as u64).map(|n| (Some(n), "", "t", ""));
        assert_eq!(joined(many), Err(BadCalls::TooLarge));
    }
}
