use super::CalcError;
use super::number::Number;

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(Number),
    Name(&'a str),
    /// One of `+ - * / % ^ ! ( ) ,`.
    Sign(char),
}

/// Cuts an expression into tokens. What models write for the signs is taken too: `×`, `·`, `÷`,
/// `−`, `**`, and an equals sign at the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, CalcError> {
    let mut rest = text.trim_end_matches(['=', '?', ' ']).trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '0'..='9' | '.' => number(rest)?,
            'a'..='z' | 'A'..='Z' => name(rest),
            '*' if rest.starts_with("**") => (Token::Sign('^'), 2),
            '+' | '-' | '*' | '/' | '%' | '^' | '!' | '(' | ')' | ',' => (Token::Sign(first), 1),
            '×' | '·' | '∗' => (Token::Sign('*'), first.len_utf8()),
            '÷' => (Token::Sign('/'), first.len_utf8()),
            '−' | '–' => (Token::Sign('-'), first.len_utf8()),
            'π' => (Token::Name("pi"), first.len_utf8()),
            _ => {
                return Err(CalcError::Syntax(format!(
                    "the expression has {first:?}, which is not arithmetic"
                )));
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn name(text: &str) -> (Token<'_>, usize) {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (Token::Name(&text[..end]), end)
}

/// Digits with an optional fraction and exponent: `12`, `1.5`, `.5`, `1e-3`.
fn number(text: &str) -> Result<(Token<'_>, usize), CalcError> {
    let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        // Without digits it isn't an exponent: `2e` is 2 beside the constant e.
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    let written = &text[..end];
    Number::parse(written)
        .map(|number| (Token::Number(number), end))
        .ok_or_else(|| CalcError::Syntax(format!("{written:?} is not a number")))
}
