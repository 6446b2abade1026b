//! Choosing a run's persona and route: pure, decided once, when the run is created.

use std::cmp::Reverse;

use runloom_domain::{Persona, Route};
use serde_json::{Map, Value};

use crate::facade::StartError;
use crate::port::catalog::{RouteEntry, Source};

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
/// 1. The route that the run names.
/// 2. The route that its persona names.
/// 3. A route to the model that its persona prefers.
/// 4. A route whose rule fits the persona and the run's metadata.
/// 5. A default route.
///
/// What is named must exist and be usable: another one is never taken silently. Where several
/// come into question it is the first of [`order`].
pub(super) fn choose_route(
    asked: Option<&str>,
    persona: &Persona,
    metadata: &Map<String, Value>,
    entries: &[RouteEntry],
) -> Result<(Route, Vec<Route>), StartError> {
    let named = asked
        .filter(|asked| !asked.is_empty())
        .or(persona.route_id.as_deref());
    let entry = match (named, persona.model.as_deref()) {
        (Some(id), _) => find(entries, id),
        (None, Some(model)) => first(entries, |entry| entry.route.model == model),
        (None, None) => {
            let fits = |entry: &RouteEntry| {
                let rule = entry.when.as_ref();
                rule.is_some_and(|rule| rule.fits(&persona.id.key, metadata))
            };
            first(entries, |entry| is_usable(entry) && fits(entry))
                .or_else(|| first(entries, |entry| entry.is_default))
        }
    };
    let entry = entry.ok_or(StartError::NoRoute)?;
    if let Some(reason) = &entry.unavailable {
        return Err(StartError::RouteUnavailable(reason.clone()));
    }
    Ok((entry.route.clone(), fallbacks(entry, entries)))
}

fn is_usable(entry: &RouteEntry) -> bool {
    entry.unavailable.is_none()
}

/// The route called `id`; an organisation's own before one of the platform's.
fn find<'a>(entries: &'a [RouteEntry], id: &str) -> Option<&'a RouteEntry> {
    first(entries, |entry| entry.route.route_id == id)
}

fn first(entries: &[RouteEntry], fits: impl Fn(&RouteEntry) -> bool) -> Option<&RouteEntry> {
    entries
        .iter()
        .filter(|entry| fits(entry))
        .min_by_key(|entry| order(entry))
}

/// Usable ones first, then the organisation's own, then those of higher priority, then by id.
fn order(entry: &RouteEntry) -> (bool, bool, Reverse<i32>, &str) {
    (
        !is_usable(entry),
        entry.source == Source::Platform,
        Reverse(entry.priority),
        &entry.route.route_id,
    )
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
        if is_usable(entry) {
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
    use serde_json::json;

    use super::*;

    /// A route by its id, which says what it is: `d` a default one, `p` one of the platform's,
    /// `x` unusable, `g` for gold runs, a digit its priority, and what follows `-` its model.
    fn entry(id: &str) -> RouteEntry {
        let (marks, model) = id.split_once('-').unwrap_or((id, "m"));
        let route = json!({"route_id": id, "model": model, "kind": "k"});
        let mut entry = RouteEntry::default_for(serde_json::from_value(route).unwrap());
        let has = |mark: char| marks.contains(mark);
        entry.is_default = has('d');
        entry.source = if has('p') {
            Source::Platform
        } else {
            Source::Organisation
        };
        entry.unavailable = has('x').then(|| "off".to_owned());
        entry.when = has('g')
            .then(|| serde_json::from_value(json!({"metadata": {"tier": "gold"}})).unwrap());
        let digit = marks.chars().find_map(|c| c.to_digit(10));
        entry.priority = digit.unwrap_or(0) as i32;
        entry
    }

    fn chosen(asked: &str, persona: &Value, metadata: &Value, entries: &str) -> String {
        let mut fields = json!({"key": "p", "version": "1", "prompt": ""});
        for (name, value) in persona.as_object().unwrap() {
            fields[name] = value.clone();
        }
        let persona = serde_json::from_value(fields).unwrap();
        let entries: Vec<_> = entries.split(' ').map(entry).collect();
        let metadata = metadata.as_object().unwrap();
        match choose_route(Some(asked), &persona, metadata, &entries) {
            Ok((route, _)) => route.route_id,
            Err(StartError::NoRoute) => "none".to_owned(),
            Err(StartError::RouteUnavailable(reason)) => reason,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_order_of_choice() {
        let gold = || json!({"tier": "gold"});
        let none = || json!({});
        let names = |id: &str| json!({"route_id": id});
        let likes = |model: &str| json!({"model": model});
        for (asked, persona, metadata, entries, expected) in [
            // What the run names goes before all else, and nothing stands in for it.
            ("a", names("b"), gold(), "a b g d", "a"),
            ("c", names("b"), gold(), "a b g d", "none"),
            ("x", names("b"), gold(), "x b g d", "off"),
            // Then what the persona names.
            ("", names("b"), gold(), "a b g d", "b"),
            ("", names("c"), gold(), "a b g d", "none"),
            ("", names("x"), gold(), "x g d", "off"),
            // Then the model that it prefers.
            ("", likes("n"), gold(), "a g d b-n c-n", "b-n"),
            ("", likes("n"), gold(), "p9-n c-n x9-n", "c-n"),
            ("", likes("n"), gold(), "xb-n g d", "off"),
            ("", likes("n"), gold(), "a g d", "none"),
            // Then the rules, if they fit.
            ("", none(), gold(), "a g d9", "g"),
            ("", none(), json!({"tier": "lead"}), "a g d9", "d9"),
            ("", none(), gold(), "g1 g2 pg9 xg9 d", "g2"),
            ("", none(), gold(), "xg9 d", "d"),
            ("", none(), gold(), "gb ga d", "ga"),
            // Then a default.
            ("", none(), none(), "a d1 d2 pd9 xd9", "d2"),
            ("", none(), none(), "a db da", "da"),
            ("", none(), none(), "a pd", "pd"),
            ("", none(), none(), "a xd", "off"),
            ("", none(), none(), "a", "none"),
        ] {
            let what = format!("{asked:?} {persona} {metadata} {entries}");
            assert_eq!(
                chosen(asked, &persona, &metadata, entries),
                expected,
                "{what}"
            );
        }
    }

    #[test]
    fn fallbacks_follow_the_chain_once() {
        let mut entries = ["d", "x", "c"].map(entry);
        entries[0].fallback = Some("x".into());
        entries[1].fallback = Some("c".into());
        entries[2].fallback = Some("d".into());
        let persona = json!({"key": "p", "version": "1", "prompt": ""});
        let persona = serde_json::from_value(persona).unwrap();
        let (_, chain) = choose_route(None, &persona, &Map::new(), &entries).unwrap();
        let chain: Vec<_> = chain.iter().map(|r| r.route_id.as_str()).collect();
        assert_eq!(chain, ["c"]);
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
