//! Evaluates while it parses, by binding powers; no tree is built.
//!
//! Written here because no library fits: those under a permissive licence are unmaintained, and
//! none keeps integers exact.

use super::CalcError;
use super::functions;
use super::lexer::{Token, tokens};
use super::number::Number;

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 1_000;
/// How deep parentheses, signs and powers may nest: bounds the stack.
const MAX_DEPTH: usize = 64;

/// The value of an expression.
pub(super) fn evaluate(text: &str) -> Result<Number, CalcError> {
    if text.len() > MAX_LENGTH {
        return Err(syntax(format!(
            "the expression is longer than {MAX_LENGTH} characters"
        )));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        depth: 0,
    };
    let value = parser.expression(0)?;
    match parser.tokens.first() {
        None => Ok(value),
        Some(Token::Sign(')')) => Err(syntax("there is a ')' too many")),
        Some(_) => Err(syntax(
            "an operator is missing between two numbers; write 2 * 3, not 2 3",
        )),
    }
}

fn syntax(message: impl Into<String>) -> CalcError {
    CalcError::Syntax(message.into())
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    depth: usize,
}

/// How strongly a sign binds to its left and to its right. A power binds its right side
/// first, and stronger than a minus sign before it: `-2^2` is −4.
fn binding(sign: char) -> Option<(u8, u8)> {
    match sign {
        '+' | '-' => Some((1, 2)),
        '*' | '/' | '%' => Some((3, 4)),
        '^' => Some((8, 7)),
        _ => None,
    }
}

/// What a minus sign before a number binds with: stronger than `*`, weaker than `^`.
const PREFIX: u8 = 5;

impl<'a> Parser<'a> {
    /// An expression whose operators all bind at least as strongly as `least`.
    fn expression(&mut self, least: u8) -> Result<Number, CalcError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(syntax("the expression is nested too deeply"));
        }
        let mut left = self.operand()?;
        loop {
            if self.take('!') {
                left = left.factorial()?;
                continue;
            }
            let Some(&Token::Sign(sign)) = self.tokens.first() else {
                break;
            };
            let Some((left_power, right_power)) = binding(sign) else {
                break;
            };
            if left_power < least {
                break;
            }
            self.advance();
            let right = self.expression(right_power)?;
            left = match sign {
                '+' => left.add(right),
                '-' => left.sub(right),
                '*' => left.mul(right),
                '/' => left.div(right),
                '%' => left.rem(right),
                _ => left.pow(right),
            }?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// A number, a name, or something in parentheses, with the signs before it.
    fn operand(&mut self) -> Result<Number, CalcError> {
        let Some(token) = self.advance() else {
            return Err(syntax("the expression ends where a number is expected"));
        };
        match *token {
            Token::Number(number) => Ok(number),
            Token::Sign('-') => self.expression(PREFIX)?.neg(),
            Token::Sign('+') => self.expression(PREFIX),
            Token::Sign('(') => {
                let inner = self.expression(0)?;
                self.close()?;
                Ok(inner)
            }
            Token::Sign(sign) => Err(syntax(format!("a number is expected before '{sign}'"))),
            Token::Name(name) if self.take('(') => {
                let arguments = self.arguments()?;
                functions::apply(name, &arguments)
            }
            Token::Name(name) => functions::constant(name)
                .ok_or_else(|| syntax(format!("{name} is neither a number nor a constant"))),
        }
    }

    /// What is between the parentheses of a function.
    fn arguments(&mut self) -> Result<Vec<Number>, CalcError> {
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if !self.take(',') {
                self.close()?;
                return Ok(arguments);
            }
        }
    }

    fn close(&mut self) -> Result<(), CalcError> {
        if self.take(')') {
            return Ok(());
        }
        Err(match self.tokens.first() {
            Some(Token::Sign(',')) => syntax("write numbers without commas, such as 1000"),
            _ => syntax("a ')' is missing"),
        })
    }

    fn take(&mut self, sign: char) -> bool {
        let is_next = self.tokens.first() == Some(&Token::Sign(sign));
        if is_next {
            self.advance();
        }
        is_next
    }

    fn advance(&mut self) -> Option<&'a Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }
}
