//! Choosing a run's persona and route: pure, decided once, when the run is created.

use runloom_domain::{Persona, Route};

use crate::facade::StartError;
use crate::port::catalog::RouteEntry;

/// How many routes a run falls back to at most; also what ends a circle.
const MAX_FALLBACKS: usize = 8;

/// Reads `persona_key` or `persona_key@version`; absent and empty mean the default.
pub(super) fn parse_persona(asked: Option<&str>) -> (Option<&str>, Option<&str>) {
    match asked.filter(|asked| !asked.is_empty()) {
        None => (None, None),
        Some(asked) => match asked.split_once('@') {
            Some((key, version)) => (Some(key), Some(version)),
            None => (Some(asked), None),
        },
    }
}

/// The route of a run and its fallbacks.
///
/// An explicit route must exist and be usable: another one is never taken silently. Without
/// one it is the persona's; else the usable default of the highest priority, and among equals
/// the one whose id sorts first.
pub(super) fn choose_route(
    asked: Option<&str>,
    persona: &Persona,
    entries: &[RouteEntry],
) -> Result<(Route, Vec<Route>), StartError> {
    let named = asked
        .filter(|asked| !asked.is_empty())
        .or(persona.route_id.as_deref());
    let entry = match named {
        Some(id) => find(entries, id).ok_or(StartError::NoRoute)?,
        None => default_route(entries).ok_or(StartError::NoRoute)?,
    };
    if let Some(reason) = &entry.unavailable {
        return Err(StartError::RouteUnavailable(reason.clone()));
    }
    Ok((entry.route.clone(), fallbacks(entry, entries)))
}

fn find<'a>(entries: &'a [RouteEntry], id: &str) -> Option<&'a RouteEntry> {
    entries.iter().find(|entry| entry.route.route_id == id)
}

fn default_route(entries: &[RouteEntry]) -> Option<&RouteEntry> {
    entries
        .iter()
        .filter(|entry| entry.is_default)
        .max_by(|a, b| {
            let usable = |entry: &RouteEntry| entry.unavailable.is_none();
            let order = (usable(a), a.priority).cmp(&(usable(b), b.priority));
            order.then_with(|| b.route.route_id.cmp(&a.route.route_id))
        })
}

/// The chain of usable fallbacks; one that can't be used is skipped.
fn fallbacks(first: &RouteEntry, entries: &[RouteEntry]) -> Vec<Route> {
    let mut chain = Vec::new();
    let mut seen = vec![first.route.route_id.as_str()];
    let mut next = first.fallback.as_deref();
    while let Some(entry) = next.and_then(|id| find(entries, id)) {
        if seen.contains(&entry.route.route_id.as_str()) || seen.len() > MAX_FALLBACKS {
            break;
        }
        seen.push(&entry.route.route_id);
        if entry.unavailable.is_none() {
            chain.push(entry.route.clone());
        }
        next = entry.fallback.as_deref();
    }
    chain
}

/// Whether a persona reference has a form that can exist at all.
pub(super) fn is_persona_name(key: &str, version: Option<&str>) -> bool {
    runloom_domain::text::is_name(key) && version.is_none_or(runloom_domain::text::is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, is_default: bool, priority: i32) -> RouteEntry {
        let route = serde_json::json!({"route_id": id, "model": "m", "kind": "scripted"});
        RouteEntry {
            is_default,
            priority,
            ..RouteEntry::default_for(serde_json::from_value(route).unwrap())
        }
    }

    fn persona(route: Option<&str>) -> Persona {
        let persona = serde_json::json!({
            "key": "p", "version": "1", "prompt": "", "route_id": route,
        });
        serde_json::from_value(persona).unwrap()
    }

    fn chosen(asked: Option<&str>, of: Option<&str>, entries: &[RouteEntry]) -> String {
        match choose_route(asked, &persona(of), entries) {
            Ok((route, _)) => route.route_id,
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn explicit_then_persona_then_default() {
        let mut off = entry("off", true, 9);
        off.unavailable = Some("disabled".into());
        let entries = [
            entry("b", true, 1),
            entry("a", true, 1),
            entry("low", true, 0),
            off,
            entry("c", false, 5),
        ];
        assert_eq!(chosen(Some("c"), Some("b"), &entries), "c");
        assert_eq!(chosen(None, Some("b"), &entries), "b");
        assert_eq!(chosen(Some(""), None, &entries), "a");
        assert_eq!(
            chosen(Some("off"), None, &entries),
            "RouteUnavailable(\"disabled\")"
        );
        assert_eq!(chosen(Some("zzz"), None, &entries), "NoRoute");
        assert_eq!(chosen(None, None, &entries[4..]), "NoRoute");
    }

    #[test]
    fn fallbacks_follow_the_chain_once() {
        let mut entries = [
            entry("a", true, 0),
            entry("b", false, 0),
            entry("c", false, 0),
        ];
        entries[0].fallback = Some("b".into());
        entries[1].fallback = Some("c".into());
        entries[1].unavailable = Some("no key".into());
        entries[2].fallback = Some("a".into());
        let (_, chain) = choose_route(None, &persona(None), &entries).unwrap();
        assert_eq!(
            chain
                .iter()
                .map(|r| r.route_id.as_str())
                .collect::<Vec<_>>(),
            ["c"]
        );
    }

    #[test]
    fn persona_references() {
        assert_eq!(parse_persona(None), (None, None));
        assert_eq!(parse_persona(Some("")), (None, None));
        assert_eq!(parse_persona(Some("a")), (Some("a"), None));
        assert_eq!(parse_persona(Some("a@2")), (Some("a"), Some("2")));
        assert!(!is_persona_name("a", Some("2@3")));
    }
}
