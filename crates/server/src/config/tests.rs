use std::io::Write as _;

use runloom_accounts::Registration;
use runloom_domain::{NanoUsd, ToolClass};
use runloom_engine::port::catalog::RouteEntry;
use runloom_tools::Secret as ToolSecret;
use runloom_tools::mcp::{Auth, Transport};

use super::*;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The configuration from a file's text and variables.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config> {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(file.as_bytes()).unwrap();
    let path = on_disk.path().display().to_string();
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .chain([("RUNLOOM_CONFIG".to_owned(), path)]);
    Config::from_environment(environment.collect())
}

fn error(file: &str, variables: &[(&str, &str)]) -> String {
    let text = format!("{:#}", load(file, variables).unwrap_err());
    // The file's name differs each time.
    text.split_once(", line ")
        .map_or(text.clone(), |(_, rest)| format!("line {rest}"))
}

#[test]
fn nothing_said_means_the_documented_defaults() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data.dir.to_str(), Some("./runloom-data"));
    assert_eq!(config.mode, Mode::Development);
    assert_eq!(config.log.format_in(config.mode), LogFormat::Pretty);
}

#[test]
fn without_a_route_the_demo_answers_in_development_only() {
    let config = load("", &[("RUNLOOM_BENCH", "1")]).unwrap();
    let routes: Vec<_> = config.routes.iter().map(|r| r.route_id.as_str()).collect();
    assert_eq!(
        routes,
        [
            "demo",
            "fake-a",
            "fake-b",
            "fake-hold",
            "fake-slow",
            "fake-paced"
        ]
    );
    assert!(config.is_demo() && config.routes[0].default);
    assert_eq!(config.personas[0].key, "demo");
    let real = load("", &[("OPENAI_API_KEY", "k"), ("RUNLOOM_BENCH", "1")]).unwrap();
    assert!(!real.is_demo());
    assert_eq!(real.routes[0].route_id, "default");
    assert_eq!(real.personas[0].key, "assistant");
    let production = [("RUNLOOM_MODE", "production"), ("RUNLOOM_MASTER_KEY", KEY)];
    assert!(load("", &production).unwrap().routes.is_empty());
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[listen]\naddress = \"127.0.0.1:1\"\n[engine]\nmax_runs = 5\nmax_history = 7\n";
    let config = load(
        file,
        &[
            ("RUNLOOM_LISTEN", "127.0.0.1:2"),
            ("RUNLOOM_MAX_RUNS", "6"),
            ("RUNLOOM_LOG", ""),
        ],
    )
    .unwrap();
    assert_eq!(config.listen.address.port(), 2);
    assert_eq!((config.engine.max_runs, config.engine.max_history), (6, 7));
    assert_eq!(
        config.log,
        Log::default(),
        "an empty variable counts as absent"
    );
}

#[test]
fn unknown_keys_are_named_with_their_position() {
    assert!(error("mod = \"x\"", &[]).starts_with("line 1, column 1: unknown field `mod`"));
    let nested = error("[engine]\nmax_rums = 1", &[]);
    assert!(
        nested.starts_with("line 2, column 1: unknown field `max_rums`"),
        "{nested}"
    );
    let route = "[[routes]]\nroute_id = \"a\"\nmodel = \"m\"\nbase_url = \"http://h\"\nprise = 1\n";
    assert!(error(route, &[]).contains("line 5, column 1: unknown field `prise`"));
}

#[test]
fn unknown_variables_are_refused_except_those_of_tests() {
    assert!(error("", &[("RUNLOOM_LISTN", "x")]).starts_with("RUNLOOM_LISTN is no setting"));
    assert!(load("", &[("RUNLOOM_TEST_LONG", "1"), ("OTHER", "x")]).is_ok());
}

#[test]
fn values_that_do_not_fit_are_named() {
    assert_eq!(
        error("", &[("RUNLOOM_LISTEN", "8080")]),
        "RUNLOOM_LISTEN=8080: invalid socket address syntax"
    );
    assert_eq!(
        error("", &[("RUNLOOM_BENCH", "yes")]),
        "RUNLOOM_BENCH=yes: neither 0 nor 1"
    );
    let url = error("", &[("RUNLOOM_DATABASE_URL", "mysql://u:secret@h/d")]);
    assert!(
        url.contains("postgres://") && !url.contains("secret"),
        "{url}"
    );
}

#[test]
fn ranges_that_may_be_reached_are_added_to_the_internet() {
    let reaches = |config: &Config, address: &str| {
        let address = address.parse().unwrap();
        config.net.to_policy().check(address).is_ok()
    };
    let nothing = load("", &[]).unwrap();
    assert!(reaches(&nothing, "8.8.8.8") && !reaches(&nothing, "127.0.0.1"));
    let file = "[net]\nallow = [\"10.0.0.0/8\", \"fd12::/16\"]";
    let config = load(file, &[]).unwrap();
    assert!(reaches(&config, "10.1.2.3") && reaches(&config, "fd12::1"));
    let over = load(file, &[("RUNLOOM_NET_ALLOW", "127.0.0.1/32, ::1/128")]).unwrap();
    assert!(reaches(&over, "127.0.0.1") && reaches(&over, "::1"));
    assert!(!reaches(&over, "10.1.2.3"));
    assert_eq!(
        error("", &[("RUNLOOM_NET_ALLOW", "10.0.0.0/8,10.0.0.1")]),
        "RUNLOOM_NET_ALLOW: \"10.0.0.1\" is no range such as 10.0.0.0/8"
    );
    assert!(error("[net]\nallow = [\"10/8\"]", &[]).starts_with("line 2, column 1"));
}

#[test]
fn production_refuses_insecure_defaults() {
    let mode = ("RUNLOOM_MODE", "production");
    let key = ("RUNLOOM_MASTER_KEY", KEY);
    assert!(load("", &[mode, key]).is_ok());
    assert!(error("", &[mode]).contains("RUNLOOM_MASTER_KEY is not set"));
    assert!(error("", &[mode, ("RUNLOOM_MASTER_KEY", "c2hvcnQ=")]).contains("fewer than 32"));
    assert!(error("", &[mode, key, ("RUNLOOM_BENCH", "1")]).contains("RUNLOOM_BENCH"));
    let scripted = "[[routes]]\nroute_id = \"s\"\nmodel = \"demo\"\nkind = \"scripted\"\n";
    assert!(error(scripted, &[mode, key]).contains("scripted"));
    assert!(load(scripted, &[]).is_ok());
}

fn only_route(variables: &[(&str, &str)]) -> (RouteEntry, RouteSettings) {
    let config = load("", variables).unwrap();
    assert_eq!(config.routes.len(), 1);
    (config.routes[0].to_entry(), config.routes[0].clone())
}

#[test]
fn a_model_url_makes_the_default_route() {
    let (entry, settings) = only_route(&[
        ("RUNLOOM_MODEL_URL", "http://127.0.0.1:9/v1"),
        ("RUNLOOM_MODEL", "m"),
        ("RUNLOOM_MODEL_KEY", "k"),
        ("OPENAI_API_KEY", "not for this URL"),
    ]);
    assert_eq!(
        (entry.route.route_id.as_str(), entry.is_default),
        ("default", true)
    );
    assert_eq!(entry.route.kind, "openai_chat");
    assert_eq!(settings.api_key.unwrap().expose(), "k");
    let (_, without) = only_route(&[
        ("RUNLOOM_MODEL_URL", "http://127.0.0.1:9/v1"),
        ("RUNLOOM_MODEL", "m"),
        ("OPENAI_API_KEY", "not for this URL"),
    ]);
    assert_eq!(without.api_key, None);
}

#[test]
fn an_openai_key_alone_is_enough() {
    let (entry, settings) = only_route(&[("OPENAI_API_KEY", "k")]);
    assert_eq!(entry.route.model, "gpt-4.1-mini");
    assert_eq!(
        settings.base_url.as_deref(),
        Some("https://api.openai.com/v1")
    );
    let (named, _) = only_route(&[("OPENAI_API_KEY", "k"), ("RUNLOOM_MODEL", "other")]);
    assert_eq!(named.route.model, "other");
    for half in ["RUNLOOM_MODEL_URL", "RUNLOOM_MODEL", "RUNLOOM_MODEL_KEY"] {
        assert!(error("", &[(half, "http://h/v1")]).starts_with(half));
    }
}

#[test]
fn a_route_is_read_whole_and_exactly() {
    let file = r#"
        [[routes]]
        route_id = "main"
        model = "gpt-4.1"
        base_url = "https://api.example.com/v1"
        api_key_env = "EXAMPLE_KEY"
        prices = { input = 2, cache_read = "0.5", output = 8.0, request = "0.000000001" }
        multiplier = 1.25
        fallback = "spare"
        default = true
        timeouts = { header_ms = 5000, idle_ms = 6000 }
        backoff = { max_attempts = 2, base_ms = 10, cap_ms = 20 }
        [[routes]]
        route_id = "spare"
        model = "m"
        base_url = "http://127.0.0.1:1/v1"
    "#;
    let config = load(file, &[("EXAMPLE_KEY", "k")]).unwrap();
    let entry = config.routes[0].to_entry();
    let prices = entry.route.prices.unwrap();
    assert_eq!(prices.uncached_input, NanoUsd::from_nanos(2_000_000_000));
    assert_eq!(prices.cache_read, NanoUsd::from_nanos(500_000_000));
    assert_eq!(prices.cache_write, prices.uncached_input);
    assert_eq!(prices.output, NanoUsd::from_nanos(8_000_000_000));
    assert_eq!(prices.request, NanoUsd::from_nanos(1));
    assert_eq!(entry.route.multiplier.as_thousandths(), 1_250);
    assert_eq!(entry.route.timeouts.header_ms, 5_000);
    assert_eq!(entry.route.backoff.max_attempts, 2);
    assert_eq!(entry.fallback.as_deref(), Some("spare"));
    assert!(error(file, &[]).contains("wants its key in EXAMPLE_KEY"));
    assert!(!format!("{config:?}").contains("\"k\""));
}

#[test]
fn a_route_may_be_of_any_kind() {
    let route = |kind: &str, more: &str| {
        format!("[[routes]]\nroute_id = \"a\"\nmodel = \"m\"\nkind = \"{kind}\"\n{more}")
    };
    for kind in runloom_models::Models::KINDS {
        let url = "base_url = \"http://h/v1\"\n";
        let config = load(&route(kind.name, url), &[]).unwrap();
        assert_eq!(config.routes[0].to_entry().route.kind, kind.name);
        let without = load(&route(kind.name, ""), &[]);
        assert_eq!(without.is_ok(), kind.base_url.is_some(), "{}", kind.name);
    }
    let unknown = error(&route("carrier_pigeon", ""), &[]);
    assert!(unknown.contains("no kind of routes is called"), "{unknown}");
}

#[test]
fn routes_and_personas_must_fit_together() {
    let route = |name: &str, more: &str| {
        format!("[[routes]]\nroute_id = \"{name}\"\nmodel = \"m\"\nbase_url = \"http://h\"\n{more}")
    };
    let twice = route("a", "") + &route("a", "");
    assert!(error(&twice, &[]).contains("two routes are called a"));
    assert!(error(&route("a", "fallback = \"b\""), &[]).contains("falls back to b"));
    let defaults = route("a", "default = true\n") + &route("b", "default = true\n");
    assert!(error(&defaults, &[]).contains("2 routes"));
    assert!(error(&route("-a", ""), &[]).contains("is not a name"));
    let persona = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\n";
    assert!(error(&format!("{persona}route_id = \"a\""), &[]).contains("prefers the route a"));
    assert!(error(&format!("{persona}{persona}"), &[]).contains("two personas are called p@1"));
    assert!(error("[[personas]]\nkey = \"p\"\n", &[]).contains("persona p@1 has no prompt"));
    let marked =
        |key: &str| format!("[[personas]]\nkey = \"{key}\"\nprompt = \"x\"\ndefault = true\n");
    assert!(
        error(&(marked("p") + &marked("q")), &[])
            .contains("persona q@1 is marked as the default, and so is p@1")
    );
    let rules = format!("{persona}approvals.rules = [{{ when = {{ type = 7 }}, mode = \"ask\" }}]");
    assert!(error(&rules, &[]).contains("rules[0].when can't be used"));
    let pattern = format!("{persona}tools = [\"a b*\"]");
    assert!(error(&pattern, &[]).contains("which is no pattern"));
    let approvals = format!("{persona}approvals.tools = {{ t = \"ask\" }}");
    assert!(error(&approvals, &[]).contains("t is not among the tools"));
}

#[test]
fn a_persona_is_read_whole() {
    let file = r#"
        [[personas]]
        key = "careful"
        version = "2026-01"
        prompt = "Be careful."
        tools = ["calculator"]
        approvals = { default = "deny", tools = { calculator = "ask" } }
        limits = { max_steps = 3, max_cost_usd = 0.25, waiting_seconds = 0 }
        temperature = 0.2
    "#;
    let persona = load(file, &[]).unwrap().personas[0].to_persona();
    assert_eq!(persona.id.to_string(), "careful@2026-01");
    assert_eq!(persona.limits.max_cost, NanoUsd::from_nanos(250_000_000));
    assert_eq!(
        (persona.limits.max_steps, persona.limits.waiting_seconds),
        (3, 0)
    );
    assert_eq!(
        persona.approvals.of("calculator", ToolClass::Pure).mode,
        runloom_domain::ApprovalMode::Ask
    );
}

fn personas(config: &Config) -> Vec<String> {
    let name = |persona: &PersonaSettings| persona.to_persona().id.to_string();
    config.personas.iter().map(name).collect()
}

#[test]
fn the_configurations_personas_come_first_and_the_programs_last() {
    let shipped = ["assistant@1", "careful@1", "summariser@1"];
    let real = ("OPENAI_API_KEY", "k");
    assert_eq!(personas(&load("", &[real]).unwrap()), shipped);
    assert_eq!(
        personas(&load("", &[]).unwrap()),
        ["demo@1", shipped[0], shipped[1], shipped[2]]
    );
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    write("b.md", "---\nkey: b\n---\nB.");
    write("a.md", "---\nkey: careful\nversion: 7\n---\nA.");
    let path = folder.path().to_str().unwrap().to_owned();
    let variables = [real, ("RUNLOOM_PERSONAS_DIR", path.as_str())];
    let expected = ["careful@7", "b@1", "assistant@1", "summariser@1"];
    assert_eq!(personas(&load("", &variables).unwrap()), expected);
    let file = format!("personas_dir = {path:?}\n[[personas]]\nkey = \"p\"\nprompt = \"x\"\n");
    let both = load(&file, &[]).unwrap();
    assert_eq!(personas(&both)[..3], ["p@1", "careful@7", "b@1"]);
    let again = write("c.md", "---\nversion: 7\nkey: careful\n---\nC.");
    let twice = load("", &variables).unwrap_err().to_string();
    assert_eq!(
        twice,
        format!("{again}, line 3: two personas are called careful@7")
    );
    let wrong = write("c.md", "---\nkey: c\n\nroute_id: nowhere\n---\nC.");
    let wanting = load("", &variables).unwrap_err().to_string();
    assert_eq!(
        wanting,
        format!("{wrong}, line 4: persona c@1 prefers the route nowhere, which doesn't exist")
    );
}

#[test]
fn the_programs_personas_are_as_promised() {
    let config = load("", &[("OPENAI_API_KEY", "k")]).unwrap();
    let personas: Vec<_> = config
        .personas
        .iter()
        .map(PersonaSettings::to_persona)
        .collect();
    let [assistant, careful, summariser] = &personas[..] else {
        panic!("{personas:?}");
    };
    assert_eq!(assistant.tools, ["current_time", "calculator", "ask_user"]);
    assert!(
        assistant
            .prompt
            .starts_with("You are a helpful assistant. Use a tool when")
    );
    assert_eq!(
        careful.approvals.of("calculator", ToolClass::Pure).mode,
        runloom_domain::ApprovalMode::Ask
    );
    assert!(summariser.tools.is_empty());
    for persona in &personas {
        let template = runloom_domain::PromptTemplate::parse(&persona.prompt);
        assert_eq!(template.variables(), Vec::<&str>::new(), "{}", persona.id);
    }
}

#[test]
fn the_reference_names_every_variable_that_is_read() {
    let mut environment = Environment::default();
    let mut config = Config::default();
    environment.text("RUNLOOM_CONFIG");
    config.overlay(&mut environment).unwrap();
    let reference = include_str!("../../../../docs/configuration.md");
    let rows: Vec<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| name.starts_with("RUNLOOM_") || *name == "OPENAI_API_KEY")
        .collect();
    let documented: BTreeSet<&str> = rows.iter().copied().collect();
    let read: BTreeSet<&str> = environment.asked_for().collect();
    assert_eq!(documented, read);
}

#[test]
fn production_lets_in_who_is_invited() {
    let mode = |variables: &[(&str, &str)]| {
        let config = load("", variables).unwrap();
        config.auth.to_config(config.mode).registration
    };
    let key = ("RUNLOOM_MASTER_KEY", KEY);
    let production = [("RUNLOOM_MODE", "production"), key];
    let said = ("RUNLOOM_REGISTRATION", "closed");
    assert_eq!(mode(&[]), Registration::Open);
    assert_eq!(mode(&production), Registration::Invitation);
    assert_eq!(mode(&[said]), Registration::Closed);
    assert!(load("", &[("RUNLOOM_REGISTRATION", "all")]).is_err());
    let file = "[auth]\nregistration = \"invitation\"";
    let config = load(file, &[]).unwrap();
    assert_eq!(config.auth.registration, Some(Registration::Invitation));
}

#[test]
fn origins_are_written_as_browsers_do() {
    let load = |origins: &str| load("", &[("RUNLOOM_ALLOWED_ORIGINS", origins)]);
    let config = load("https://app.example.com, http://localhost:3000").unwrap();
    let settings = config.http.to_settings();
    let expected = ["https://app.example.com", "http://localhost:3000"];
    assert_eq!(settings.allowed_origins, expected);
    for bad in [
        "*",
        "app.example.com",
        "https://a.b/",
        "https://A.b",
        "https://a.b:443",
        "ftp://a",
    ] {
        let error = load(bad).unwrap_err().to_string();
        assert!(error.contains("RUNLOOM_ALLOWED_ORIGINS"), "{bad}: {error}");
    }
}

#[test]
fn mcp_servers_are_read_with_their_secrets() {
    let file = r#"
        [[mcp_servers]]
        key = "files"
        command = "npx"
        args = ["-y", "server"]
        env = { A = "b" }
        env_from = ["FILES_KEY"]
        classes = { "read_*" = "pure" }
        [[mcp_servers]]
        key = "issues"
        url = "https://issues.example.org/mcp"
        token_env = "ISSUES_TOKEN"
        call_timeout_ms = 5
    "#;
    let variables = [("FILES_KEY", "k"), ("ISSUES_TOKEN", "t")];
    let config = load(file, &variables).unwrap();
    let specs: Vec<_> = config
        .mcp_servers
        .iter()
        .map(McpServerSettings::to_spec)
        .collect();
    let Transport::Stdio(program) = &specs[0].transport else {
        panic!("it is a program");
    };
    let env: Vec<_> = program
        .env
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(env, [("A", "b"), ("FILES_KEY", "k")]);
    assert_eq!(specs[0].classes, [("read_*".to_owned(), ToolClass::Pure)]);
    let Transport::Http { auth, .. } = &specs[1].transport else {
        panic!("it is reached by HTTP");
    };
    assert_eq!(*auth, Auth::Bearer(ToolSecret::new("t".to_owned())));
    assert_eq!(specs[1].limits.call.as_millis(), 5);
    assert!(error(file, &variables[..1]).contains("ISSUES_TOKEN"));
}

#[test]
fn a_wrong_mcp_server_is_named() {
    for (server, part) in [
        ("key = \"a_b\"\ncommand = \"x\"", "no key"),
        ("key = \"a\"", "either a command or a url"),
        (
            "key = \"a\"\ncommand = \"x\"\nurl = \"http://y\"",
            "either a command or a url",
        ),
        ("key = \"a\"\nurl = \"http://y\"\nargs = [\"z\"]", "no args"),
        ("key = \"a\"\nurl = \"y\"", "begins with http"),
        (
            "key = \"a\"\ncommand = \"x\"\ntoken_env = \"T\"",
            "no token_env",
        ),
    ] {
        let told = error(&format!("[[mcp_servers]]\n{server}"), &[("T", "t")]);
        assert!(told.contains(part), "{server}: {told}");
    }
    let twice = "[[mcp_servers]]\nkey = \"a\"\ncommand = \"x\"\n".repeat(2);
    assert!(error(&twice, &[]).contains("two MCP servers"));
}
