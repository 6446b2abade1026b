use runloom_domain::{ApprovalMode, NanoUsd, OnOverflow, ReasoningEffort, ToolClass};

use super::*;

fn parse(text: &str) -> Result<PersonaSettings> {
    super::parse(Path::new("p.md"), text)
}

/// Why the text is refused.
fn error(text: &str) -> String {
    format!("{:#}", parse(text).unwrap_err())
}

#[test]
fn a_file_is_read_whole() {
    let text = r#"---
# By whom it is kept: the back office.
key: clerk
version: 2026-01
route_id: main
model: large
tools: [calculator, ask_user]
approvals:
  default: deny
  tools: { calculator: ask, ask_user: auto }
limits:
  max_steps: 3
  max_output_tokens: 1000
  max_cost_usd: "0.25"
  timeout_seconds: 60
  waiting_seconds: 0
temperature: 0.2
top_p: 1
stop: ["END", "\n\n"]
reasoning_effort: low
response_format:
  name: invoice
  schema: { type: object, required: [total], properties: { total: { type: number } } }
on_overflow: summarise
prompt_caching: false
default: true
---

You answer questions about invoices.

---

Be brief, {{name}}.
"#;
    let settings = parse(text).unwrap();
    assert!(settings.check().is_ok() && settings.default);
    let persona = settings.to_persona();
    assert_eq!(persona.id.to_string(), "clerk@2026-01");
    let prompt = "You answer questions about invoices.\n\n---\n\nBe brief, {{name}}.";
    assert_eq!(persona.prompt, prompt);
    assert_eq!(persona.route_id.as_deref(), Some("main"));
    assert_eq!(persona.model.as_deref(), Some("large"));
    assert_eq!(persona.tools, ["calculator", "ask_user"]);
    assert_eq!(persona.approvals.default, ApprovalMode::Deny);
    assert_eq!(
        persona.approvals.of("calculator", ToolClass::Pure).mode,
        ApprovalMode::Ask
    );
    let limits = persona.limits;
    assert_eq!((limits.max_steps, limits.max_output_tokens), (3, 1_000));
    assert_eq!(limits.max_cost, NanoUsd::from_nanos(250_000_000));
    assert_eq!((limits.timeout_seconds, limits.waiting_seconds), (60, 0));
    let generation = persona.generation;
    assert_eq!(
        (generation.temperature, generation.top_p),
        (Some(0.2), Some(1.0))
    );
    assert_eq!(generation.stop, ["END", "\n\n"]);
    assert_eq!(generation.reasoning_effort, Some(ReasoningEffort::Low));
    assert!(!generation.prompt_caching);
    let format = generation.response_format.unwrap();
    assert_eq!(format.name, "invoice");
    assert_eq!(
        format.schema.to_string(),
        r#"{"type":"object","required":["total"],"properties":{"total":{"type":"number"}}}"#
    );
    assert_eq!(persona.on_overflow, OnOverflow::Summarise);
}

#[test]
fn a_key_and_a_prompt_are_enough() {
    for text in [
        "---\nkey: p\n---\nHi.",
        "---\r\nkey: p\r\n---\r\nHi.\r\n",
        "\u{feff}---  \nkey: p\n--- \n\n  Hi.\n\n",
    ] {
        let persona = parse(text).unwrap().to_persona();
        assert_eq!(persona.id.to_string(), "p@1");
        assert_eq!(persona.prompt, "Hi.");
        assert!(persona.generation.prompt_caching);
    }
    let number = parse("---\nkey: p\nversion: 1.10\n---\nHi.").unwrap();
    assert_eq!(number.version, "1.10");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let table = [
        ("Hi.", "p.md, line 1: a persona begins with its settings"),
        (
            "---\nkey: p\nHi.",
            "p.md, line 1: a persona begins with its settings",
        ),
        ("---\nkey: p\n---\n \n", "p.md, line 3: no prompt follows"),
        (
            "---\nkey: p\nprompt: Hi.\n---\nHo.",
            "p.md, line 3: the prompt is what follows",
        ),
        (
            "---\nkey: p\n\nmodle: m\n---\nHi.",
            "p.md, line 4, column 1: unknown field `modle`",
        ),
        (
            "---\nversion: 1\n---\nHi.",
            "p.md, line 2, column 1: missing field `key`",
        ),
        (
            "---\nkey: p\nkey: q\n---\nHi.",
            "p.md, line 3, column 1: duplicate mapping key: key",
        ),
        (
            "---\nkey: p\ndefault: yes\n---\nHi.",
            "p.md, line 3, column 10: ",
        ),
        ("---\nkey: p\ntools: [a\n---\nHi.", "p.md, line "),
        (
            "---\nkey: p\nlimits:\n  max_steps: 1\n  max_step: 2\n---\nHi.",
            "p.md, line 5, column 3: unknown field `max_step`",
        ),
        (
            "---\nkey: p\nlimits:\n  max_cost_usd: -1\n---\nHi.",
            "p.md, line 4, column 17: ",
        ),
        (
            "---\nkey: p\nreasoning_effort: huge\n---\nHi.",
            "p.md, line 3, column 19: unknown variant `huge`",
        ),
    ];
    for (text, expected) in table {
        let error = error(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn values_that_do_not_fit_are_named_with_their_line() {
    let table = [
        ("key: p q", 2, "persona key \"p q\" is not a name"),
        (
            "key: p\nversion: a@b",
            3,
            "version \"a@b\" of persona p is not a name",
        ),
        (
            "key: p\ntemperature: 2.5",
            3,
            "temperature of persona p@1 is not from 0 to 2",
        ),
        (
            "key: p\ntemperature: .nan",
            3,
            "temperature of persona p@1 is not from 0 to 2",
        ),
        (
            "key: p\n\ntop_p: 0",
            4,
            "top_p of persona p@1 is not above 0 and at most 1",
        ),
        (
            "key: p\nstop: ['']",
            3,
            "persona p@1 stops at an empty text",
        ),
        (
            "key: p\nresponse_format: { schema: [1] }",
            3,
            "response_format of persona p@1 wants a name and a schema that is an object",
        ),
        (
            "key: p\ntools: [a]\napprovals:\n  tools: { b: ask }",
            4,
            "approvals of persona p@1 can't be used: b is not among the tools",
        ),
    ];
    for (front, line, expected) in table {
        let persona = parse(&format!("---\n{front}\n---\nHi.")).unwrap();
        let error = persona.check().unwrap_err().to_string();
        assert_eq!(error, format!("p.md, line {line}: {expected}"));
    }
}
