//! Reading what a model wrote into a call.

use runloom_engine::port::tool::ToolError;
use serde_json::{Map, Value};

/// The arguments object. Models that have nothing to say also send null or nothing.
pub(crate) fn object(arguments: Value) -> Result<Map<String, Value>, ToolError> {
    match arguments {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        _ => Err(ToolError::invalid_arguments(
            "the arguments must be a JSON object",
        )),
    }
}

/// The text of a property, without the blanks around it; `None` when it is absent, null or
/// blank. A number counts as its text.
pub(crate) fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, ToolError> {
    let text = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => {
            return Err(ToolError::invalid_arguments(format!(
                "{name} must be a string"
            )));
        }
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}
