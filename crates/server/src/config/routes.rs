use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use runloom_domain::text::is_name;
use runloom_domain::{
    Backoff, Decimal, DollarPrices, Multiplier, Prices, RateLimits, Route, RouteTimeouts,
};
use runloom_engine::port::catalog::{RouteEntry, Source};
use runloom_models::{Models, ScriptedModel};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Environment, Mode, Secret};

/// `[[routes]]`: a way to a model, for all organisations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    /// Its name, by which runs and personas choose it.
    pub route_id: String,
    /// The provider's name of the model.
    pub model: String,
    /// Who speaks to it. Default `openai_chat`.
    #[serde(default)]
    pub kind: RouteKind,
    /// Base URL of the API, with its `/v1`; needed by `openai_chat`, other kinds know theirs.
    pub base_url: Option<String>,
    /// The environment variable that holds the API key; without it none is sent.
    pub api_key_env: Option<String>,
    /// What its tokens cost; without it what the provider reports counts, if it reports it.
    pub prices: Option<DollarPrices>,
    /// Credits of its calls are multiplied by this, at most three decimals. Default 1.
    pub multiplier: Option<Decimal<3>>,
    /// Whether it is taken when neither the run nor its persona names one.
    #[serde(default)]
    pub default: bool,
    /// Among several that fit, the highest is taken. Default 0.
    #[serde(default)]
    pub priority: i32,
    /// The route that a run goes on with when this one fails for good.
    pub fallback: Option<String>,
    /// How many tokens of input and output the model takes in all, if that is known.
    pub context_length: Option<u64>,
    /// `requests_per_minute`, `tokens_per_minute`, `concurrency`: how much each node may use it.
    /// No limit by default.
    #[serde(default)]
    pub rate: RateLimits,
    /// The most output tokens that a call asks for; by default the provider decides.
    pub max_output_tokens: Option<u64>,
    /// `header_ms` and `idle_ms`: how long it may be silent before the first byte, and
    /// between two chunks, in milliseconds. Default 60,000 each. `total_ms`: how long one try
    /// may take in all; default 1,800,000, half an hour; 0 is for ever.
    #[serde(default)]
    pub timeouts: RouteTimeouts,
    /// `max_attempts`, `base_ms`, `cap_ms`: tries of one call, and the longest waits before
    /// the second and before any, in milliseconds. Default 4, 500, 30,000.
    #[serde(default)]
    pub backoff: Backoff,
    /// The script of a `scripted` route: a JSON file, read at start.
    pub script: Option<PathBuf>,
    /// The API key itself, once it has been read from the environment.
    #[serde(skip)]
    pub api_key: Option<Secret>,
}

/// Who speaks to a model: one of [`Models::KINDS`], or the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteKind(&'static str);

impl RouteKind {
    /// The chat completions API of OpenAI, which many others offer too.
    pub const OPENAI_CHAT: Self = Self(Models::OPENAI_CHAT);
    /// A script, in development mode only.
    pub const SCRIPTED: Self = Self(Models::SCRIPTED);

    /// The name in frozen routes.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether its endpoints have to say where they are.
    fn needs_url(self) -> bool {
        Models::kind(self.0).is_some_and(|kind| kind.base_url.is_none())
    }
}

impl Default for RouteKind {
    fn default() -> Self {
        Self::OPENAI_CHAT
    }
}

impl<'de> Deserialize<'de> for RouteKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == Models::SCRIPTED {
            return Ok(Self::SCRIPTED);
        }
        let kind = Models::kind(&name).map(|kind| Self(kind.name));
        kind.ok_or_else(|| D::Error::custom(format!("no kind of routes is called {name:?}")))
    }
}

impl RouteSettings {
    /// A route with nothing but its name, its model and who speaks to it.
    pub fn new(route_id: impl Into<String>, model: impl Into<String>, kind: RouteKind) -> Self {
        Self {
            route_id: route_id.into(),
            model: model.into(),
            kind,
            base_url: None,
            api_key_env: None,
            prices: None,
            multiplier: None,
            default: false,
            priority: 0,
            fallback: None,
            context_length: None,
            rate: RateLimits::default(),
            max_output_tokens: None,
            timeouts: RouteTimeouts::default(),
            backoff: Backoff::default(),
            script: None,
            api_key: None,
        }
    }

    /// The name of the route to the scripted demo.
    const DEMO: &str = "demo";

    /// The route that is there in development mode when no other is.
    pub(super) fn demo() -> Self {
        Self {
            default: true,
            ..Self::new(Self::DEMO, ScriptedModel::DEMO, RouteKind::SCRIPTED)
        }
    }

    /// Whether this is the route to the scripted demo.
    pub(super) fn is_demo(&self) -> bool {
        self.kind == RouteKind::SCRIPTED && self.model == ScriptedModel::DEMO
    }

    /// The routes that benchmarks use.
    pub(super) fn bench() -> impl Iterator<Item = Self> {
        ScriptedModel::BENCH
            .into_iter()
            .map(|name| Self::new(name, name, RouteKind::SCRIPTED))
    }

    pub(super) fn read_key(&mut self, environment: &mut Environment) -> Result<()> {
        if let Some(name) = &self.api_key_env {
            let wanted_by = format!("route {}", self.route_id);
            let key = environment.secret(name, &wanted_by)?;
            self.api_key = Some(Secret::new(key));
        }
        Ok(())
    }

    pub(super) fn check(&self, mode: Mode) -> Result<()> {
        let name = &self.route_id;
        ensure!(is_name(name), "route_id {name:?} is not a name");
        ensure!(!self.model.is_empty(), "route {name} has an empty model");
        ensure!(
            self.backoff.max_attempts > 0,
            "route {name}: backoff.max_attempts is 0"
        );
        ensure!(
            self.multiplier
                .is_none_or(|factor| u32::try_from(factor.scaled()).is_ok()),
            "route {name}: multiplier is too large"
        );
        match self.kind {
            RouteKind::SCRIPTED if mode == Mode::Production => {
                bail!("route {name} is scripted, which production mode refuses")
            }
            RouteKind::SCRIPTED => ensure!(
                self.base_url.is_none() && self.api_key_env.is_none(),
                "route {name} is scripted and takes no base_url or api_key_env"
            ),
            kind => {
                ensure!(
                    self.script.is_none(),
                    "route {name} has a script, but its kind is not scripted"
                );
                let url = self.base_url.as_deref();
                ensure!(
                    url.map_or(!kind.needs_url(), |url| {
                        url.starts_with("http://") || url.starts_with("https://")
                    }),
                    "route {name} needs a base_url that begins with http:// or https://"
                );
            }
        }
        Ok(())
    }

    /// The same in the engine's own terms.
    pub fn to_entry(&self) -> RouteEntry {
        RouteEntry {
            route: Route {
                route_id: self.route_id.clone(),
                model: self.model.clone(),
                kind: self.kind.as_str().to_owned(),
                credential_id: None,
                prices: self.prices.map(Prices::from),
                multiplier: self.multiplier.map_or_else(Multiplier::default, |factor| {
                    Multiplier::from_thousandths(factor.scaled() as u32)
                }),
                context_length: self.context_length,
                max_output_tokens: self.max_output_tokens,
                rate: self.rate,
                timeouts: self.timeouts,
                backoff: self.backoff,
            },
            is_default: self.default,
            priority: self.priority,
            when: None,
            source: Source::Platform,
            fallback: self.fallback.clone(),
            unavailable: None,
        }
    }
}
