use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use runloom_models::{ApiKey, Endpoint, Endpoints, Models, ModelsBuilder, ScriptedModel, UrlOwner};
use runloom_net::guard::{ClientOptions, Guard};

use crate::config::{Config, Mode, RouteKind};

/// The adapters that the configured routes need. The scripted model exists in development mode
/// only; there a route without a script of its own must name one that comes with the program.
pub(crate) fn models(config: &Config) -> Result<ModelsBuilder> {
    let mut models = Models::builder();
    for route in &config.routes {
        if route.kind != RouteKind::SCRIPTED {
            let endpoint = Endpoint {
                base_url: route.base_url.clone(),
                url_owner: UrlOwner::Operator,
                api_key: route.api_key.as_ref().map(|key| ApiKey::new(key.expose())),
            };
            models = models.endpoint(&route.route_id, endpoint);
        }
    }
    if config.mode == Mode::Development {
        models = models.scripted(scripted(config)?);
    }
    Ok(models)
}

/// The adapters, for organisations' own routes too. Addresses that they chose are called by
/// HTTP/1.1 only, so that dropping a stream closes its connection, which every provider takes for
/// a cancel at once.
pub(crate) fn with_own(
    models: ModelsBuilder,
    config: &Config,
    endpoints: Arc<dyn Endpoints>,
) -> Result<Models> {
    let options = ClientOptions {
        http1_only: true,
        ..ClientOptions::default()
    };
    let client = Guard::new(config.net.to_policy()).client(&options);
    let client = client.context("can't set up the client for organisations' addresses")?;
    Ok(models.endpoints(endpoints).tenant_client(client).build()?)
}

fn scripted(config: &Config) -> Result<ScriptedModel> {
    let mut model = ScriptedModel::new().with_demo().with_bench();
    let mut read = BTreeSet::new();
    for route in &config.routes {
        match &route.script {
            Some(path) if read.insert(path) => model = model.with_file(path)?,
            Some(_) => {}
            None => ensure!(
                route.kind != RouteKind::SCRIPTED || comes_with_us(&route.model),
                "route {} is scripted, but has no script",
                route.route_id
            ),
        }
    }
    Ok(model)
}

fn comes_with_us(model: &str) -> bool {
    model == ScriptedModel::DEMO || ScriptedModel::BENCH.contains(&model)
}
