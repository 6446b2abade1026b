//! Times that nodes don't share.

use std::time::Duration;

/// Up to a tenth more, so that nodes that started together don't meet each time.
pub(crate) fn spread(every: Duration) -> Duration {
    // Without random bits they do meet, and one of them finds nothing to do.
    let random = getrandom::u32().unwrap_or(0);
    every + every.mul_f64(f64::from(random) / f64::from(u32::MAX) / 10.0)
}
