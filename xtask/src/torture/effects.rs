//! The ledgers of the tools: files that say what happened outside.

use super::seen::Notes;
use super::views::Effect;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(100);

/// Reads what the tools of each node note; it stops when it is dropped.
pub(crate) struct Effects {
    found: Arc<Mutex<Vec<Effect>>>,
    reader: tokio::task::JoinHandle<()>,
}

impl Effects {
    /// Watches the ledger of each node, in the order of the nodes.
    pub(crate) fn watch(ledgers: Vec<PathBuf>, notes: Arc<Notes>) -> Self {
        let found: Arc<Mutex<Vec<Effect>>> = Arc::default();
        let into = Arc::clone(&found);
        let reader = tokio::spawn(async move {
            let mut ends = vec![0; ledgers.len()];
            loop {
                for (node, (ledger, end)) in ledgers.iter().zip(&mut ends).enumerate() {
                    let new = read_new(ledger, end);
                    let seen_ms = notes.now_ms();
                    let mut found = into.lock().unwrap_or_else(PoisonError::into_inner);
                    found.extend(new.iter().filter_map(|line| parse(line, node, seen_ms)));
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { found, reader }
    }

    /// All effects so far.
    pub(crate) fn all(&self) -> Vec<Effect> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }
}

impl Drop for Effects {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Whole lines behind `end`, which moves behind them.
fn read_new(ledger: &Path, end: &mut u64) -> Vec<String> {
    let Ok(mut file) = std::fs::File::open(ledger) else {
        return Vec::new();
    };
    let mut text = String::new();
    let read = file.seek(SeekFrom::Start(*end));
    if read.and_then(|_| file.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    let whole = text.rfind('\n').map_or(0, |last| last + 1);
    *end += whole as u64;
    text[..whole].lines().map(str::to_owned).collect()
}

fn parse(line: &str, node: usize, seen_ms: u64) -> Option<Effect> {
    let (run, tool_call_id) = line.split_once('/')?;
    Some(Effect {
        run: run.to_owned(),
        tool_call_id: tool_call_id.to_owned(),
        node,
        seen_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_read_and_none_twice() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("effects");
        let mut end = 0;
        assert!(read_new(&ledger, &mut end).is_empty());
        std::fs::write(&ledger, "run/a\nrun/").unwrap();
        assert_eq!(read_new(&ledger, &mut end), ["run/a"]);
        std::fs::write(&ledger, "run/a\nrun/b\n").unwrap();
        let new = read_new(&ledger, &mut end);
        assert_eq!(new, ["run/b"]);
        assert_eq!(
            parse(&new[0], 2, 7).map(|it| it.tool_call_id).as_deref(),
            Some("b")
        );
    }
}
