//! Who asks: what finding that out costs, how soon a revoked key is refused, and what signing in
//! does to others.

mod logins;
mod looked_up;
mod revoked;

use super::Target;
use super::result::LoadResult;
use anyhow::Result;
use std::time::Instant;

/// `other` is another node on the same database.
pub(super) async fn load(target: &Target, other: Option<&Target>) -> Result<LoadResult> {
    let begin = Instant::now();
    let mut result = LoadResult::default();
    result.compared.extend(looked_up::measure().await?);
    revoked::measure(target, "here", target, &mut result).await?;
    if let Some(other) = other {
        revoked::measure(target, "elsewhere", other, &mut result).await?;
    }
    logins::measure(target, &mut result).await?;
    result.seconds = begin.elapsed().as_secs_f64();
    Ok(result)
}
