use serde_json::json;

use super::*;
use crate::testing_context::{call, error_of};

fn value(expression: &str) -> String {
    parser::evaluate(expression)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
        .to_string()
}

fn error(expression: &str) -> String {
    match parser::evaluate(expression) {
        Err(error) => error.to_string(),
        Ok(value) => panic!("{expression} is {value}"),
    }
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (expression, expected) in [
        ("7 + 5", "12"),
        ("2+3*4", "14"),
        ("(2+3)*4", "20"),
        ("10-4-3", "3"),
        ("100/10/5", "2"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("(-2)^2", "4"),
        ("2^-1", "0.5"),
        ("2*-3", "-6"),
        ("--3", "3"),
        ("+3-+2", "1"),
        ("17 % 5", "2"),
        ("-7 % 3", "-1"),
        ("7.5 % 2", "1.5"),
        ("3!", "6"),
        ("2^3!", "64"),
        ("-3!", "-6"),
        ("2*3!^2", "72"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn integers_are_exact_and_shown_in_full() {
    for (expression, expected) in [
        ("9007199254740993 + 0", "9007199254740993"),
        ("2^100", "1267650600228229401496703205376"),
        ("123456789 * 987654321", "121932631112635269"),
        ("10^15/10", "100000000000000"),
        ("6/3", "2"),
        ("25!/24!", "25"),
        ("0.5*4", "2"),
        ("1e3", "1000"),
        ("2.0!", "2"),
        ("-0.0", "0"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn fractions_are_shown_as_people_write_them() {
    for (expression, expected) in [
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.333333333333333"),
        ("2/3", "0.666666666666667"),
        ("19.99 * 3", "59.97"),
        (".5", "0.5"),
        ("-1.25", "-1.25"),
        ("1e-7", "1e-7"),
        ("1/1000000", "0.000001"),
        ("10.0^40", "1e40"),
        ("2^0.5", "1.4142135623731"),
        ("1e16 + 0.5", "1e16"),
        ("123456789012345.6", "123456789012346"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn functions_and_constants() {
    for (expression, expected) in [
        ("sqrt(16)", "4"),
        ("cbrt(27)", "3"),
        ("SQRT(2)", "1.4142135623731"),
        ("abs(-3)", "3"),
        ("round(2.5)", "3"),
        ("round(3.14159, 2)", "3.14"),
        ("floor(-1.5)", "-2"),
        ("ceil(1.2)", "2"),
        ("trunc(-1.7)", "-1"),
        ("min(3, 1, 2)", "1"),
        ("max(3, 1, 2)", "3"),
        ("sum(1, 2, 3)", "6"),
        ("avg(1, 2)", "1.5"),
        ("ln(e)", "1"),
        ("log(1000)", "3"),
        ("log(8, 2)", "3"),
        ("log2(1024)", "10"),
        ("exp(0)", "1"),
        ("sin(0)", "0"),
        ("cos(pi)", "-1"),
        ("degrees(π)", "180"),
        ("hypot(3, 4)", "5"),
        ("pow(2, 10)", "1024"),
        ("factorial(20)", "2432902008176640000"),
        ("2*pi", "6.28318530717959"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn what_models_write_is_understood() {
    for (expression, expected) in [
        ("7 × 6", "42"),
        ("7 * 6 =", "42"),
        ("7*6 = ?", "42"),
        ("84 ÷ 2", "42"),
        ("44 − 2", "42"),
        ("2 ** 3", "8"),
        ("(((42)))", "42"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn what_has_no_value_is_said_in_words() {
    for (expression, words) in [
        ("1/0", "division by zero"),
        ("1%0", "division by zero"),
        ("0^-1", "division by zero"),
        ("10^400", "too large"),
        ("exp(1000)", "too large"),
        ("sqrt(-1)", "not real"),
        ("(-1)^0.5", "not a real number"),
        ("asin(2)", "not a real number"),
        ("ln(0)", "logarithm"),
        ("log(8, 1)", "division by zero"),
        ("171!", "factorial"),
        ("(-1)!", "factorial"),
        ("2.5!", "factorial"),
        ("", "ends where a number is expected"),
        ("1 +", "ends where a number is expected"),
        ("* 2", "expected before '*'"),
        ("(1", "')' is missing"),
        ("1)", "')' too many"),
        ("2 3", "operator is missing"),
        ("2(3)", "operator is missing"),
        ("(1,000)", "without commas"),
        ("x + 1", "x is neither"),
        ("foo(1)", "no function foo of 1"),
        ("sqrt()", "no function sqrt of 0"),
        ("atan2(1)", "no function atan2 of 1"),
        ("1.2.3", "operator is missing"),
        (".", "not a number"),
        ("1e999", "not a number"),
        ("2 $ 3", "'$'"),
        ("1\0", "not arithmetic"),
    ] {
        let told = error(expression);
        assert!(told.contains(words), "{expression}: {told}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for opening in ["(", "-", "sqrt(", "2^", "1+("] {
        let deep = opening.repeat(1_000 / opening.len() - 1);
        assert!(
            error(&format!("{deep}1")).contains("too deeply"),
            "{opening}"
        );
    }
    let flat = format!("1{}", "+1".repeat(499));
    assert_eq!(value(&flat), "500");
    assert!(error(&"1".repeat(1_001)).contains("longer"));
    assert_eq!(value(&format!("1{}", "!".repeat(999))), "1");
    assert!(error("3!!!").contains("factorial"));
}

#[tokio::test]
async fn the_tool_answers_and_explains() {
    let tool = Calculator;
    let answer = call(&tool, json!({"expression": "12 * 7"})).await;
    assert_eq!(answer.unwrap(), "84");
    assert_eq!(call(&tool, json!({"expression": 42})).await.unwrap(), "42");
    let malformed = error_of(call(&tool, json!({"expression": "one"})).await);
    assert_eq!(malformed.class, "tool.invalid_arguments");
    let undefined = error_of(call(&tool, json!({"expression": "1/0"})).await);
    assert_eq!(undefined.class, "tool.failed");
    let missing = error_of(call(&tool, json!({})).await);
    assert!(missing.message.contains("expression"));
}
