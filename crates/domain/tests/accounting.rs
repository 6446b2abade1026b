//! The golden table of accounting: what a provider reports, what a route costs, and the figures
//! that follow, each worked out by hand.

use runloom_domain::{
    CreditRate, ModelCall, Multiplier, NanoUsd, Prices, RunTotals, TokenBuckets, Usage,
    UsageSource, credits_for,
};

/// Dollars per million tokens: uncached, cache read, cache write, output; and dollars per call.
type Dollars = (f64, f64, f64, f64, f64);

/// Tokens: uncached, cache read, cache write, output.
type Tokens = (u64, u64, u64, u64);

struct Row {
    name: &'static str,
    /// The model calls of a run.
    calls: &'static [Tokens],
    prices: Dollars,
    multiplier: u32,
    rate: u32,
    input_tokens: u64,
    output_tokens: u64,
    cost_nanos: i64,
    credits: i64,
    hit_rate: Option<f64>,
}

/// A large model's prices: $3 and $15, a tenth for cached input, a quarter more for caching it.
const LARGE: Dollars = (3.0, 0.3, 3.75, 15.0, 0.0);

const TABLE: &[Row] = &[
    Row {
        name: "a call without a cache",
        calls: &[(1_000, 0, 0, 500)],
        prices: LARGE,
        multiplier: 1_000,
        rate: 1_000,
        input_tokens: 1_000,
        output_tokens: 500,
        // 1,000 x 3,000 + 500 x 15,000 nano-dollars.
        cost_nanos: 10_500_000,
        // 10.5 credits, rounded up.
        credits: 11,
        hit_rate: Some(0.0),
    },
    Row {
        name: "all four buckets",
        calls: &[(100, 1_000, 10, 20)],
        prices: LARGE,
        multiplier: 1_000,
        rate: 1_000,
        input_tokens: 1_110,
        output_tokens: 20,
        // 300,000 + 300,000 + 37,500 + 300,000.
        cost_nanos: 937_500,
        credits: 1,
        hit_rate: Some(1_000.0 / 1_110.0),
    },
    Row {
        name: "several calls round up once",
        calls: &[(0, 0, 0, 100), (0, 0, 0, 100), (0, 0, 0, 100)],
        prices: (0.0, 0.0, 0.0, 4.0, 0.0),
        multiplier: 1_000,
        rate: 1_000,
        input_tokens: 0,
        output_tokens: 300,
        // 3 x 400,000: 1.2 credits, where each call by itself would make one.
        cost_nanos: 1_200_000,
        credits: 2,
        hit_rate: None,
    },
    Row {
        name: "a multiplier makes more credits, not more cost",
        calls: &[(1_000, 0, 0, 500)],
        prices: LARGE,
        multiplier: 1_500,
        rate: 1_000,
        input_tokens: 1_000,
        output_tokens: 500,
        cost_nanos: 10_500_000,
        // 15.75.
        credits: 16,
        hit_rate: Some(0.0),
    },
    Row {
        name: "a run that cost anything costs a credit",
        calls: &[(1, 0, 0, 0)],
        prices: (0.001, 0.0, 0.0, 0.0, 0.0),
        multiplier: 0,
        rate: 1_000,
        input_tokens: 1,
        output_tokens: 0,
        // A billionth of a dollar.
        cost_nanos: 1,
        credits: 1,
        hit_rate: Some(0.0),
    },
    Row {
        name: "a free model costs nothing",
        calls: &[(5_000, 0, 0, 5_000)],
        prices: (0.0, 0.0, 0.0, 0.0, 0.0),
        multiplier: 1_000,
        rate: 1_000,
        input_tokens: 5_000,
        output_tokens: 5_000,
        cost_nanos: 0,
        credits: 0,
        hit_rate: Some(0.0),
    },
    Row {
        name: "a price per call",
        calls: &[(10, 0, 0, 0), (0, 0, 0, 0)],
        prices: (1.0, 0.0, 0.0, 0.0, 0.005),
        multiplier: 1_000,
        rate: 1_000,
        input_tokens: 10,
        output_tokens: 0,
        // 10 x 1,000 + 2 x 5,000,000.
        cost_nanos: 10_010_000,
        credits: 11,
        hit_rate: Some(0.0),
    },
    Row {
        name: "half a nano-dollar is rounded up, for each call",
        calls: &[(1, 0, 0, 0), (1, 0, 0, 0)],
        prices: (0.000_5, 0.0, 0.0, 0.0, 0.0),
        multiplier: 1_000,
        rate: 1_000_000,
        input_tokens: 2,
        output_tokens: 0,
        cost_nanos: 2,
        credits: 1,
        hit_rate: Some(0.0),
    },
    Row {
        name: "everything from the cache, at another rate",
        calls: &[(0, 2_000_000, 0, 0)],
        prices: LARGE,
        multiplier: 1_000,
        rate: 250,
        input_tokens: 2_000_000,
        output_tokens: 0,
        // 60 cents: 150 credits at 250 a dollar.
        cost_nanos: 600_000_000,
        credits: 150,
        hit_rate: Some(1.0),
    },
    Row {
        name: "nothing was called",
        calls: &[],
        prices: LARGE,
        multiplier: 1_000,
        rate: 1_000,
        input_tokens: 0,
        output_tokens: 0,
        cost_nanos: 0,
        credits: 0,
        hit_rate: None,
    },
];

fn prices((uncached, read, write, output, request): Dollars) -> Prices {
    let nanos = |dollars| NanoUsd::from_dollars(dollars).unwrap();
    Prices {
        uncached_input: nanos(uncached),
        cache_read: nanos(read),
        cache_write: nanos(write),
        output: nanos(output),
        request: nanos(request),
    }
}

fn buckets((uncached, read, write, output): Tokens) -> TokenBuckets {
    TokenBuckets {
        uncached_input_tokens: uncached,
        cache_read_tokens: read,
        cache_write_tokens: write,
        output_tokens: output,
    }
}

fn ledger(row: &Row) -> Vec<ModelCall> {
    let prices = prices(row.prices);
    let call = |(step, tokens): (u32, &Tokens)| {
        let usage = Usage::reported(buckets(*tokens)).unwrap();
        ModelCall {
            step,
            attempt: 1,
            route_id: "r".to_owned(),
            model: "m".to_owned(),
            usage,
            cost: prices.cost(&usage.tokens),
            multiplier: Multiplier::from_thousandths(row.multiplier),
        }
    };
    (1..).zip(row.calls).map(call).collect()
}

#[test]
fn every_row_comes_out_as_by_hand() {
    for row in TABLE {
        let calls = ledger(row);
        let totals = calls.iter().fold(RunTotals::default(), RunTotals::plus);
        let weighted = calls.iter().map(|call| (call.cost, call.multiplier));
        let credits = credits_for(weighted, CreditRate(row.rate));
        let tokens = totals.tokens;
        assert_eq!(tokens.input_tokens(), row.input_tokens, "{}", row.name);
        assert_eq!(tokens.output_tokens, row.output_tokens, "{}", row.name);
        assert_eq!(totals.cost.as_nanos(), row.cost_nanos, "{}", row.name);
        assert_eq!(credits, row.credits, "{}", row.name);
        assert_eq!(tokens.cache_hit_rate(), row.hit_rate, "{}", row.name);
    }
}

#[test]
fn what_was_not_reported_is_an_estimate() {
    // 4,001 bytes were sent and 9 came back: 1,001 and 3 tokens.
    let usage = Usage::estimated(4_001, 9);
    assert_eq!(usage.source, UsageSource::Estimated);
    assert_eq!(usage.tokens, buckets((1_001, 0, 0, 3)));
    // 1,001 x 3,000 + 3 x 15,000.
    assert_eq!(prices(LARGE).cost(&usage.tokens).as_nanos(), 3_048_000);
}

#[test]
fn what_nobody_can_believe_is_no_report() {
    let most = 100_000_000;
    assert!(Usage::reported(buckets((most, 0, 0, most))).is_some());
    for absurd in [
        (most, 1, 0, 0),
        (0, 0, 0, most + 1),
        (u64::MAX, u64::MAX, u64::MAX, 0),
    ] {
        assert_eq!(Usage::reported(buckets(absurd)), None, "{absurd:?}");
    }
}

#[test]
fn absurd_prices_saturate() {
    let highest = Prices {
        output: NanoUsd::from_nanos(i64::MAX),
        ..Prices::default()
    };
    let cost = highest.cost(&buckets((0, 0, 0, 100_000_000)));
    assert_eq!(cost.as_nanos(), i64::MAX);
    let twice = [(cost, Multiplier::default()); 2];
    // 2 x 9.2 billion dollars at a thousand a dollar still are a number of credits.
    assert_eq!(credits_for(twice, CreditRate(1_000)), 18_446_744_073_710);
    assert_eq!((cost + cost).as_nanos(), i64::MAX);
}
