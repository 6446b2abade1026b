use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a persona's settings stand, for errors about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    path: PathBuf,
    /// The line of each key of the front matter.
    lines: BTreeMap<String, usize>,
}

impl Origin {
    /// The keys of a front matter stand at the beginning of a line, which is how people write
    /// it; what stands elsewhere is said to be in line 1.
    pub(super) fn new(path: &Path, front: &str) -> Self {
        let keys = front.lines().zip(1..).filter_map(|(line, number)| {
            let (key, _) = line.split_once(':')?;
            let key = key.trim_end();
            let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (!key.is_empty() && key.chars().all(is_key)).then(|| (key.to_owned(), number))
        });
        Self {
            path: path.to_owned(),
            lines: keys.collect(),
        }
    }

    /// What an error about a key begins with.
    pub(super) fn at(&self, key: &str) -> String {
        let line = self.lines.get(key).unwrap_or(&1);
        format!("{}, line {line}: ", self.path.display())
    }
}
