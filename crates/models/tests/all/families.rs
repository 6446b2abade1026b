//! Each format against the rows that all have in common.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::family_rows::{FamilyRow, family_rows};
use crate::mock::Provider;
use crate::outcome::outcome;
use crate::request::{impatient, models, models_at, request_of};
use crate::rows::PATIENCE;
use crate::wire::{WIRES, Wire, piece};

async fn wrong_rows(wire: &dyn Wire) -> Vec<String> {
    let mut providers = Vec::new();
    for row in family_rows(wire) {
        let provider = Provider::answering(row.steps.clone()).await;
        providers.push((row, provider));
    }
    let endpoints = providers.iter();
    let endpoints = endpoints.map(|(row, provider)| (row.name.to_owned(), provider.url.clone()));
    let models = models_at(endpoints);
    let check = async |row: &FamilyRow| {
        let mut request = impatient(PATIENCE);
        row.name.clone_into(&mut request.route.route_id);
        wire.kind().clone_into(&mut request.route.kind);
        let line = outcome(&models, request).await.line();
        let wrong = line != row.ours;
        wrong.then(|| format!("{}, {}: {line}, not {}", wire.kind(), row.name, row.ours))
    };
    let results = join_all(providers.iter().map(|(row, _)| check(row))).await;
    results.into_iter().flatten().collect()
}

#[tokio::test]
async fn every_row_has_the_right_result_in_every_format() {
    let mut wrong = Vec::new();
    // One format after the other, so that none is patient in vain.
    for wire in WIRES {
        wrong.extend(wrong_rows(wire).await);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_line_without_end_is_cut_off_early_in_every_format() {
    for wire in WIRES {
        let part = vec![b'x'; 1024 * 1024];
        let mut steps = vec![wire.head(), piece("data: ")];
        steps.extend((0..20).map(|_| piece(&part)));
        let mut provider = Provider::answering(steps).await;
        let started = Instant::now();
        let request = request_of(wire.kind(), "hello");
        let result = outcome(&models(&provider.url), request).await;
        assert_eq!(result.line(), "error provider.malformed", "{}", wire.kind());
        let sent = provider.connection_end().await;
        // Beyond our limit only what the kernel's buffers hold can have been sent.
        assert!(sent < 12 * 1024 * 1024, "{sent} bytes were taken");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
