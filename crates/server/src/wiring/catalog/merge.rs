use runloom_domain::Route;
use runloom_engine::port::catalog::{RouteEntry, Source};
use runloom_store::RouteRecord;

/// An organisation's routes and the platform's. When one of its own is a default, the platform's
/// no longer are.
pub(super) fn merged(own: Vec<RouteRecord>, platform: &[RouteEntry]) -> Vec<RouteEntry> {
    let mut all: Vec<RouteEntry> = own.into_iter().map(entry).collect();
    let has_default = all
        .iter()
        .any(|entry| entry.is_default && entry.unavailable.is_none());
    all.extend(platform.iter().cloned().map(|entry| RouteEntry {
        is_default: entry.is_default && !has_default,
        ..entry
    }));
    all
}

fn entry(record: RouteRecord) -> RouteEntry {
    let settings = record.settings;
    RouteEntry {
        route: Route {
            route_id: record.route_id.to_string(),
            model: settings.model,
            kind: record.provider,
            credential_id: Some(settings.credential_id),
            prices: settings.prices,
            multiplier: settings.multiplier,
            context_length: settings.context_length,
            max_output_tokens: settings.max_output_tokens,
            rate: settings.rate,
            timeouts: settings.timeouts,
            backoff: settings.backoff,
        },
        is_default: settings.is_default,
        priority: settings.priority,
        when: settings.when,
        source: Source::Organisation,
        fallback: settings.fallback,
        unavailable: (!settings.enabled).then(|| "it is switched off".to_owned()),
    }
}
