use anyhow::{Result, bail};
use serde::Deserialize;

use super::routes::{RouteKind, RouteSettings};
use super::{Environment, Secret};

const OPENAI_URL: &str = "https://api.openai.com/v1";
const OPENAI_MODEL: &str = "gpt-4.1-mini";

/// `[model]`: the short way to one real model. It makes the route `default`, which is the
/// default one; `[[routes]]` says more when more is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// `RUNLOOM_MODEL_URL`: base URL of an OpenAI-compatible API, with its `/v1`.
    pub url: Option<String>,
    /// `RUNLOOM_MODEL`: the provider's name of the model. With `OPENAI_API_KEY` alone it is
    /// `gpt-4.1-mini` by default.
    pub model: Option<String>,
    /// `RUNLOOM_MODEL_KEY`: the API key for that URL; without it none is sent. It is read from
    /// the environment only.
    #[serde(skip)]
    pub key: Option<Secret>,
    /// `OPENAI_API_KEY`: when no URL is given, makes OpenAI the provider. It is never sent to
    /// another URL.
    #[serde(skip)]
    pub openai_key: Option<Secret>,
}

impl Model {
    pub(super) fn overlay(&mut self, environment: &mut Environment) {
        for (name, target) in [
            ("RUNLOOM_MODEL_URL", &mut self.url),
            ("RUNLOOM_MODEL", &mut self.model),
        ] {
            if let Some(value) = environment.text(name) {
                *target = Some(value);
            }
        }
        self.key = environment.text("RUNLOOM_MODEL_KEY").map(Secret::new);
        self.openai_key = environment.text("OPENAI_API_KEY").map(Secret::new);
    }

    /// The route that these settings make, if they make one.
    pub(super) fn route(&self) -> Result<Option<RouteSettings>> {
        let (url, model, api_key) = match (&self.url, &self.model, &self.openai_key) {
            (Some(url), Some(model), _) => (url.as_str(), model.as_str(), self.key.clone()),
            (Some(_), None, _) => bail!("RUNLOOM_MODEL_URL is set, but not RUNLOOM_MODEL"),
            (None, model, Some(key)) => (
                OPENAI_URL,
                model.as_deref().unwrap_or(OPENAI_MODEL),
                Some(key.clone()),
            ),
            (None, Some(_), None) => {
                bail!("RUNLOOM_MODEL is set, but neither RUNLOOM_MODEL_URL nor OPENAI_API_KEY")
            }
            (None, None, None) if self.key.is_some() => {
                bail!("RUNLOOM_MODEL_KEY is set, but not RUNLOOM_MODEL_URL")
            }
            (None, None, None) => return Ok(None),
        };
        Ok(Some(RouteSettings {
            base_url: Some(url.to_owned()),
            api_key,
            default: true,
            ..RouteSettings::new("default", model, RouteKind::OPENAI_CHAT)
        }))
    }
}
