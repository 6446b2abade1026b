//! What providers of each format are sent.

use runloom_domain::{Generation, ReasoningEffort, ResponseFormat, ToolDefinition};
use runloom_engine::port::model::ModelRequest;
use serde_json::{Value, json};

use crate::mock::{Provider, Seen};
use crate::outcome::outcome;
use crate::request::{CANARY, models, request_of};
use crate::wire::{WIRES, Wire};

/// The request that `request` becomes.
pub(crate) async fn sent(wire: &dyn Wire, mut request: ModelRequest) -> Seen {
    wire.kind().clone_into(&mut request.route.kind);
    let mut provider = Provider::answering(wire.answer("a")).await;
    let result = outcome(&models(&provider.url), request).await;
    assert_eq!(result.line(), "\"a\" 5+0+0>2 Stop", "{}", wire.kind());
    provider.request().await
}

/// The wire format of a kind.
pub(crate) fn wire(kind: &str) -> &'static dyn Wire {
    let found = WIRES.into_iter().find(|wire| wire.kind() == kind);
    found.unwrap()
}

async fn body(kind: &str, request: ModelRequest) -> Value {
    sent(wire(kind), request).await.body
}

pub(crate) fn tool() -> ToolDefinition {
    ToolDefinition {
        name: "t".into(),
        description: "adds".into(),
        schema: json!({"type": "object", "properties": {"x": {"type": "integer"}}}),
    }
}

#[tokio::test]
async fn each_format_has_its_path_and_its_credential() {
    for wire in WIRES {
        let seen = sent(wire, request_of(wire.kind(), "hello")).await;
        let start = format!("POST {} HTTP/1.1\r\n", wire.path());
        assert!(seen.head.starts_with(&start), "{}", seen.head);
        let credential = match wire.kind() {
            "anthropic" => format!("x-api-key: {CANARY}"),
            "gemini" => format!("x-goog-api-key: {CANARY}"),
            _ => format!("authorization: Bearer {CANARY}"),
        };
        assert_eq!(seen.head.matches(CANARY).count(), 1, "{}", seen.head);
        assert!(seen.head.contains(&format!("\r\n{credential}\r\n")));
        let version = seen.head.contains("\r\nanthropic-version: 2023-06-01\r\n");
        assert_eq!(version, wire.kind() == "anthropic");
        assert!(!seen.head.contains("x-draft-word"), "{}", seen.head);
        assert!(!seen.body.to_string().contains(CANARY));
    }
}

#[tokio::test]
async fn a_plain_request_holds_what_was_asked_and_no_more() {
    let plain = async |kind| {
        let mut request = request_of(kind, "hello");
        request.generation.prompt_caching = false;
        request.max_output_tokens = Some(9);
        body(kind, request).await
    };
    assert_eq!(
        plain("openai_responses").await,
        json!({"store": false, "model": "m", "stream": true, "instructions": "Be brief.",
            "input": [{"role": "user", "content": "hello"}], "max_output_tokens": 9})
    );
    assert_eq!(
        plain("anthropic").await,
        json!({"model": "m", "stream": true, "system": "Be brief.",
            "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9})
    );
    assert_eq!(
        plain("gemini").await,
        json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
            "generationConfig": {"maxOutputTokens": 9}})
    );
    assert_eq!(
        plain("ollama").await,
        json!({"model": "m", "stream": true, "options": {"num_predict": 9},
            "messages": [{"role": "system", "content": "Be brief."},
                {"role": "user", "content": "hello"}]})
    );
}

fn generation() -> Generation {
    Generation {
        temperature: Some(0.5),
        top_p: Some(0.25),
        stop: vec!["END".into()],
        reasoning_effort: None,
        response_format: Some(ResponseFormat {
            name: "answer".into(),
            schema: json!({"type": "object", "properties": {"a": {"type": "string"}},
                "required": ["a"], "additionalProperties": false}),
        }),
        prompt_caching: false,
    }
}

#[tokio::test]
async fn sampling_and_form_go_where_each_format_has_them() {
    let with = async |kind, pointers: &[&str]| {
        let mut request = request_of(kind, "hello");
        request.generation = generation();
        let body = body(kind, request).await;
        let found = pointers
            .iter()
            .map(|at| body.pointer(at).cloned().unwrap_or_default());
        found.collect::<Vec<Value>>()
    };
    let schema = generation().response_format.unwrap().schema;
    let chat = ["/temperature", "/top_p", "/stop", "/response_format"];
    let strict = json!({"name": "answer", "strict": true, "schema": schema});
    assert_eq!(
        with("openai_chat", &chat).await,
        [
            json!(0.5),
            json!(0.25),
            json!(["END"]),
            json!({"type": "json_schema", "json_schema": strict})
        ]
    );
    let responses = ["/temperature", "/top_p", "/stop", "/text/format"];
    let format = json!({"type": "json_schema", "name": "answer", "strict": true, "schema": schema});
    // The API has no stop texts.
    assert_eq!(
        with("openai_responses", &responses).await,
        [json!(0.5), json!(0.25), json!(null), format]
    );
    let anthropic = [
        "/temperature",
        "/top_p",
        "/stop_sequences",
        "/output_config",
    ];
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    assert_eq!(
        with("anthropic", &anthropic).await,
        [json!(0.5), json!(0.25), json!(["END"]), format]
    );
    let gemini = ["/generationConfig"];
    assert_eq!(
        with("gemini", &gemini).await,
        [
            json!({"responseMimeType": "application/json", "responseJsonSchema": schema,
            "temperature": 0.5, "stopSequences": ["END"], "topP": 0.25})
        ]
    );
    let ollama = ["/options", "/format"];
    let options = json!({"temperature": 0.5, "top_p": 0.25, "stop": ["END"]});
    assert_eq!(with("ollama", &ollama).await, [options, schema]);
}

#[tokio::test]
async fn a_kind_that_enforces_no_form_is_asked_for_none() {
    let mut request = request_of("deepseek", "hello");
    request.generation = generation();
    let mut provider = Provider::answering(wire("openai_chat").answer("a")).await;
    outcome(&models(&provider.url), request).await;
    let body = provider.request().await.body;
    assert_eq!(body.get("response_format"), None);
    assert_eq!(body["temperature"], 0.5);
}

#[tokio::test]
async fn effort_is_sent_with_the_name_as_it_is() {
    let with = async |kind, model: &str, effort| {
        let mut request = request_of(kind, "hello");
        model.clone_into(&mut request.route.model);
        request.generation.reasoning_effort = effort;
        body(kind, request).await
    };
    let high = Some(ReasoningEffort::High);
    for name in ["m", "mine-high", "a::b", "o3-zero", "vendor/model:free"] {
        for (kind, at) in [
            ("openai_chat", "/reasoning_effort"),
            ("openai_responses", "/reasoning/effort"),
            ("anthropic", "/thinking/budget_tokens"),
            ("ollama", "/think"),
        ] {
            let wanted = if kind == "anthropic" {
                json!(24_000)
            } else {
                json!("high")
            };
            let asked = with(kind, name, high).await;
            assert_eq!(asked["model"], name, "{kind}");
            assert_eq!(asked.pointer(at), Some(&wanted), "{kind} {name}");
            let plain = with(kind, name, None).await;
            assert_eq!(plain["model"], name, "{kind}");
            assert_eq!(plain.pointer(at), None, "{kind} {name}");
        }
    }
    let level = "/generationConfig/thinkingConfig";
    let asked = with("gemini", "gemini-3-pro", high).await;
    let wanted = json!({"thinkingLevel": "HIGH", "includeThoughts": true});
    assert_eq!(asked.pointer(level), Some(&wanted));
    let plain = with("gemini", "gemini-2.5-high", None).await;
    assert_eq!(plain.pointer(level), None);
}

#[tokio::test]
async fn the_model_in_a_path_stays_one_segment() {
    for (name, path) in [
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("mine-high", "mine-high"),
        ("a::b", "a::b"),
        ("../../x?y=#z", "..%2F..%2Fx%3Fy=%23z"),
    ] {
        let mut request = request_of("gemini", "hello");
        name.clone_into(&mut request.route.model);
        let head = sent(wire("gemini"), request).await.head;
        let start = format!("POST /v1/models/{path}:streamGenerateContent?alt=sse HTTP/1.1\r\n");
        assert!(head.starts_with(&start), "{head}");
    }
}

#[tokio::test]
async fn thinking_leaves_room_for_an_answer() {
    let with = async |most| {
        let mut request = request_of("anthropic", "hello");
        request.generation.reasoning_effort = Some(ReasoningEffort::Medium);
        request.generation.temperature = Some(0.5);
        request.max_output_tokens = Some(most);
        body("anthropic", request).await
    };
    let roomy = with(10_000).await;
    assert_eq!(
        roomy["thinking"],
        json!({"type": "enabled", "budget_tokens": 8_000})
    );
    assert_eq!(roomy.get("temperature"), None);
    assert_eq!(with(4_000).await["thinking"]["budget_tokens"], 2_000);
    assert_eq!(with(1_500).await["thinking"]["budget_tokens"], 1_024);
    let narrow = with(1_024).await;
    assert_eq!(narrow.get("thinking"), None);
    assert_eq!(narrow["temperature"], 0.5);
}

#[tokio::test]
async fn models_that_think_unasked_are_not_told_to_stop() {
    let mut request = request_of("anthropic", "hello");
    request.route.model = "claude-sonnet-5".into();
    let body = body("anthropic", request).await;
    assert_eq!(body.get("thinking"), None);
}

#[tokio::test]
async fn encrypted_reasoning_is_asked_of_models_that_reason() {
    for (model, wanted) in [
        ("gpt-5.1", true),
        ("o4-mini", true),
        ("gpt-5-chat-latest", false),
        ("gpt-4.1", false),
        ("m", false),
    ] {
        let mut request = request_of("openai_responses", "hello");
        model.clone_into(&mut request.route.model);
        let include = body("openai_responses", request)
            .await
            .get("include")
            .cloned();
        let encrypted = json!(["reasoning.encrypted_content"]);
        assert_eq!(include, wanted.then_some(encrypted), "{model}");
    }
}

#[tokio::test]
async fn anthropic_is_asked_to_cache_what_stays() {
    let ephemeral = json!({"type": "ephemeral"});
    let mut request = request_of("anthropic", "hello");
    request.tools = vec![tool()];
    let whole = body("anthropic", request.clone()).await;
    // The tools stand before the system prompt, and are cached with it.
    assert_eq!(whole["tools"][0].get("cache_control"), None);
    assert_eq!(
        whole["system"],
        json!([{"type": "text", "text": "Be brief.", "cache_control": ephemeral}])
    );
    assert_eq!(
        whole["messages"],
        json!([{"role": "user", "content":
            [{"type": "text", "text": "hello", "cache_control": ephemeral}]}])
    );
    request.prompt.clear();
    let tools_only = body("anthropic", request.clone()).await;
    assert_eq!(tools_only["tools"][0]["cache_control"], ephemeral);
    assert_eq!(tools_only.get("system"), None);
    request.generation.prompt_caching = false;
    let without = body("anthropic", request).await.to_string();
    assert!(!without.contains("cache_control"), "{without}");
}

#[tokio::test]
async fn the_newest_openai_models_go_on_caching_by_themselves() {
    let mut request = request_of("openai_chat", "hello");
    request.route.model = "gpt-5.6".into();
    let caching = body("openai_chat", request.clone()).await;
    assert_eq!(caching.get("prompt_cache_options"), None);
    request.generation.prompt_caching = false;
    let without = body("openai_chat", request).await;
    assert_eq!(without["prompt_cache_options"], json!({"mode": "explicit"}));
}

#[tokio::test]
async fn deepseek_thinks_when_it_is_asked_to() {
    let with = async |effort| {
        let mut request = request_of("deepseek", "hello");
        request.generation.reasoning_effort = effort;
        let mut provider = Provider::answering(wire("openai_chat").answer("a")).await;
        outcome(&models(&provider.url), request).await;
        provider.request().await.body
    };
    assert_eq!(with(None).await.get("thinking"), None);
    let asked = with(Some(ReasoningEffort::Low)).await;
    assert_eq!(asked["thinking"], json!({"type": "enabled"}));
    assert_eq!(asked["reasoning_effort"], "low");
}

#[tokio::test]
async fn every_kind_reaches_its_provider() {
    for kind in runloom_models::Models::KINDS {
        let family = match kind.name {
            "minimax" => "anthropic",
            "ollama_cloud" => "ollama",
            name if WIRES.iter().any(|wire| wire.kind() == name) => name,
            _ => "openai_chat",
        };
        let mut provider = Provider::answering(wire(family).answer("a")).await;
        let mut request = request_of(kind.name, "hello");
        request.tools = vec![tool()];
        let result = outcome(&models(&provider.url), request).await;
        assert_eq!(result.line(), "\"a\" 5+0+0>2 Stop", "{}", kind.name);
        let seen = provider.request().await;
        assert!(seen.head.contains(CANARY), "{}", kind.name);
        if family != "gemini" {
            assert_eq!(seen.body["model"], "m", "{}", kind.name);
        }
    }
}
