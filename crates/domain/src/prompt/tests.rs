use serde_json::json;

use super::*;

fn rendered(prompt: &str, metadata: Value) -> Result<String, String> {
    let Value::Object(metadata) = metadata else {
        panic!("{metadata} is no object");
    };
    let rendered = PromptTemplate::parse(prompt).render(&metadata);
    rendered.map_err(|error| error.to_string())
}

#[test]
fn values_take_their_places() {
    let metadata = json!({
        "name": "Ada", "user": { "city": "London", "tags": { "a-b_c": 7 } }, "old": false,
        "price": 1.50, "big": 12_345_678_901_234_567_u64, "empty": "", "tricky": "{{ name }}",
        "Ü": "letter",
    });
    let table = [
        ("", ""),
        ("plain", "plain"),
        ("{{name}}", "Ada"),
        ("Hi {{ name }}!", "Hi Ada!"),
        ("{{\t name\t}}, {{name}}", "Ada, Ada"),
        ("{{user.city}} {{ user.tags.a-b_c }}", "London 7"),
        ("{{old}} {{price}} {{big}}", "false 1.5 12345678901234567"),
        ("<{{empty}}>", "<>"),
        ("{{tricky}}", "{{ name }}"),
        // What begins no place is text.
        ("{ name }", "{ name }"),
        ("{{", "{{"),
        ("{{}}", "{{}}"),
        ("{{ }}", "{{ }}"),
        ("{{ name", "{{ name"),
        ("{{name}", "{{name}"),
        ("{{ two words }}", "{{ two words }}"),
        ("{{ name\n}}", "{{ name\n}}"),
        ("{{\"name\": 1}}", "{{\"name\": 1}}"),
        ("{{Ü}}", "{{Ü}}"),
        ("{{ {{name}} }}", "{{ Ada }}"),
        ("{{{name}}}", "{Ada}"),
        ("ä{{name}}ö", "äAdaö"),
        // Written twice it is shown.
        ("{{{{name}}", "{{name}}"),
        ("{{{{ {{name}} }}", "{{ Ada }}"),
        ("{{{{{{name}}", "{{Ada"),
    ];
    for (prompt, expected) in table {
        let rendered = rendered(prompt, metadata.clone());
        assert_eq!(rendered.as_deref(), Ok(expected), "{prompt}");
    }
}

#[test]
fn all_that_have_no_value_are_named() {
    let metadata = json!({
        "null": null, "list": [1], "object": { "a": 1 }, "text": "t", "a.b": "unreachable",
    });
    let table = [
        ("{{gone}}", "gone"),
        ("{{null}} {{list}} {{object}}", "null, list, object"),
        ("{{b}} {{a}} {{b}}", "b, a"),
        ("{{text}} {{text.more}}", "text.more"),
        ("{{list.0}} {{a.b}}", "list.0, a.b"),
        ("{{object.}} {{.object}} {{.}}", "object., .object, ."),
        ("{{object..a}}", "object..a"),
    ];
    for (prompt, missing) in table {
        let expected = Err(format!("no value for: {missing}"));
        assert_eq!(rendered(prompt, metadata.clone()), expected, "{prompt}");
    }
}

#[test]
fn variables_are_listed_once() {
    let template = PromptTemplate::parse("{{b}} {{ a.c }} {{b}} {{{{no}} {{ no no }}");
    assert_eq!(template.variables(), ["b", "a.c"]);
}

#[test]
fn values_do_not_blow_a_prompt_up() {
    let long = "x".repeat(MAX_PROMPT / 4);
    let fits = rendered(&"{{v}}".repeat(4), json!({ "v": long }));
    assert_eq!(fits.map(|prompt| prompt.len()), Ok(MAX_PROMPT));
    let many = rendered(&"{{v}}".repeat(5), json!({ "v": long }));
    assert_eq!(many, Err(PromptError::TooLong.to_string()));
    let written = long.repeat(5);
    assert_eq!(rendered(&written, json!({})), Ok(written));
}

/// Every brace could begin a place, so the work for each must be bounded.
#[test]
fn a_prompt_of_nothing_but_braces_is_read_at_once() {
    for unit in ["{", "{{ ", "{{a"] {
        let prompt = unit.repeat(300_000);
        let template = PromptTemplate::parse(&prompt);
        assert_eq!(template.variables(), Vec::<&str>::new());
    }
}
