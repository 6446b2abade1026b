//! `calculator`: arithmetic for models, which can't be trusted with it.

mod functions;
mod lexer;
mod number;
mod parser;

use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::{Value, json};

use crate::arguments::{object, text};

/// `calculator`: evaluates an arithmetic expression. Integers are exact up to 38 digits; all
/// else is double precision, shown with 15 significant digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calculator;

/// Why an expression has no value, in words that help a model to write a better one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum CalcError {
    /// It isn't an expression.
    #[error("{0}")]
    Syntax(String),
    /// It is one, but has no value.
    #[error("{0}")]
    Math(String),
}

#[async_trait]
impl Tool for Calculator {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "calculator".to_owned(),
            description: "Calculate an arithmetic expression, for example \"12 * (3 + 4)\" or \
                \"sqrt(2) ^ 3\". Operators: + - * / % (remainder) ^ (power). Functions: sqrt, \
                cbrt, abs, round, floor, ceil, min, max, exp, ln, log, log2, sin, cos, tan, \
                factorial. Constants: pi, e."
                .to_owned(),
            schema: json!({
                "type": "object",
                "properties": {
                    "expression": {
                        "type": "string",
                        "description": "The expression, such as \"7 * 6\".",
                    },
                },
                "required": ["expression"],
            }),
        }
    }

    fn class(&self) -> ToolClass {
        ToolClass::Pure
    }

    async fn call(&self, _: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let arguments = object(arguments)?;
        let expression = text(&arguments, "expression")?.ok_or_else(|| {
            ToolError::invalid_arguments("expression is missing; an example is \"7 * 6\"")
        })?;
        match parser::evaluate(&expression) {
            Ok(value) => Ok(value.to_string().into()),
            Err(CalcError::Syntax(message)) => Err(ToolError::invalid_arguments(message)),
            Err(CalcError::Math(message)) => Err(ToolError::failed(message)),
        }
    }
}

#[cfg(test)]
mod tests;
