//! How long the disk takes to make a small write durable, which no commit can be faster than.

use crate::bench::load::result::{Quantiles, Times};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const WRITES: usize = 500;
/// A page, the unit in which databases write.
const SIZE: usize = 4096;

/// Appends pages to a file in `folder`, each followed by fdatasync.
pub(crate) fn fdatasync(folder: &Path) -> Result<Quantiles> {
    let mut file = tempfile::tempfile_in(folder).context("can't make a file")?;
    let page = [7; SIZE];
    let mut times = Times::new()?;
    for _ in 0..WRITES {
        let begin = Instant::now();
        file.write_all(&page).context("can't write")?;
        file.sync_data().context("can't sync")?;
        times.record(begin.elapsed());
    }
    Ok(times.quantiles())
}
