use runloom_domain::{RateLimits, Timestamp};
use serde_json::json;
use tokio::time::{Instant, advance};

use super::*;

fn route(rate: RateLimits) -> Route {
    let route = json!({"route_id": "r", "model": "m", "kind": "k"});
    Route {
        rate,
        ..serde_json::from_value(route).unwrap()
    }
}

fn org() -> OrgId {
    OrgId::generate(Timestamp::from_micros(1))
}

/// Lets `calls` calls of no duration pass and says at which second each did.
async fn arrivals(rate: RateLimits, calls: u32, tokens: u64) -> Vec<u64> {
    let (gates, route, org) = (Gates::default(), route(rate), org());
    let began = Instant::now();
    let mut seconds = Vec::new();
    for _ in 0..calls {
        gates.admit(org, &route, tokens).await.unwrap();
        seconds.push(began.elapsed().as_secs());
    }
    seconds
}

#[tokio::test(start_paused = true)]
async fn a_minute_holds_no_more_calls_than_the_route_allows() {
    let rate = RateLimits {
        requests_per_minute: Some(3),
        ..RateLimits::default()
    };
    assert_eq!(arrivals(rate, 7, 1).await, [0, 0, 0, 60, 60, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn a_minute_holds_no_more_tokens_than_the_route_allows() {
    let rate = RateLimits {
        tokens_per_minute: Some(100),
        ..RateLimits::default()
    };
    assert_eq!(arrivals(rate, 5, 40).await, [0, 0, 60, 60, 120]);
    // What is larger than the limit goes alone.
    assert_eq!(arrivals(rate, 3, 400).await, [0, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn what_came_back_counts_too() {
    let rate = RateLimits {
        tokens_per_minute: Some(100),
        ..RateLimits::default()
    };
    let (gates, route, org) = (Gates::default(), route(rate), org());
    let began = Instant::now();
    let permit = gates.admit(org, &route, 10).await.unwrap();
    advance(Duration::from_secs(5)).await;
    permit.used(60);
    permit.used(100);
    gates.admit(org, &route, 1).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn places_are_given_in_the_order_of_coming() {
    let rate = RateLimits {
        concurrency: Some(1),
        ..RateLimits::default()
    };
    let (gates, route, org) = (Arc::new(Gates::default()), route(rate), org());
    let first = gates.admit(org, &route, 1).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..5 {
        let (gates, route, order) = (gates.clone(), route.clone(), order.clone());
        waiting.spawn(async move {
            let _permit = gates.admit(org, &route, 1).await.unwrap();
            order.lock().unwrap().push(n);
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(order.lock().unwrap().len(), 0);
    drop(first);
    waiting.join_all().await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_stop_everybody_and_then_let_them_in_slowly() {
    let (gates, route, org) = (
        Arc::new(Gates::default()),
        route(RateLimits::default()),
        org(),
    );
    let began = Instant::now();
    let mut first = Vec::new();
    for _ in 0..8 {
        first.push(gates.admit(org, &route, 1).await.unwrap());
    }
    let mut error = ModelError::new(ModelErrorKind::RateLimited, "no");
    error.retry_after = Some(Duration::from_secs(7));
    for permit in &first {
        permit.refused(&error);
    }
    drop(first);
    let enter = || gates.admit(org, &route, 1);
    let is_full = async || {
        let wait = Duration::from_millis(10);
        tokio::time::timeout(wait, enter()).await.is_err()
    };
    let one = enter().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 7);
    assert!(is_full().await, "one at a time");
    one.accepted();
    let two = enter().await.unwrap();
    assert!(is_full().await, "two at a time");
    two.accepted();
    let three = enter().await.unwrap();
    // Half of the three.
    three.refused(&error);
    drop((one, two, three));
    let one = enter().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 14);
    assert!(is_full().await);
    drop(one);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_again_and_again_rests() {
    let (gates, route, org) = (Gates::default(), route(RateLimits::default()), org());
    let error = ModelError::new(ModelErrorKind::Unavailable, "no");
    for _ in 0..5 {
        gates.admit(org, &route, 1).await.unwrap().refused(&error);
    }
    let refused = gates.admit(org, &route, 1).await.err().unwrap();
    assert_eq!(refused.kind, ModelErrorKind::Resting);
    assert_eq!(refused.retry_after, Some(Duration::from_secs(10)));
    advance(Duration::from_secs(10)).await;
    // One tries; when it fails the rest is longer.
    gates.admit(org, &route, 1).await.unwrap().refused(&error);
    let refused = gates.admit(org, &route, 1).await.err().unwrap();
    assert_eq!(refused.retry_after, Some(Duration::from_secs(20)));
    advance(Duration::from_secs(20)).await;
    gates.admit(org, &route, 1).await.unwrap().accepted();
    gates.admit(org, &route, 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn organisations_with_credentials_of_their_own_do_not_share() {
    let gates = Gates::default();
    let mut own = route(RateLimits::default());
    own.credential_id = Some(CredentialId::generate(Timestamp::from_micros(1)));
    let error = ModelError::new(ModelErrorKind::Unavailable, "no");
    let (one, other) = (org(), org());
    for _ in 0..5 {
        gates.admit(one, &own, 1).await.unwrap().refused(&error);
    }
    assert!(gates.admit(one, &own, 1).await.is_err());
    gates.admit(other, &own, 1).await.unwrap();
}
