use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use runloom_domain::{NodeId, Timestamp};
use uuid::Uuid;

/// The file whose lock says that a process is alive, and the file with that process's node id.
const LOCK: &str = "node.lock";
const ID: &str = "node";

/// Who this process is among the nodes of a database, and who had its data folder before.
pub(crate) struct Identity {
    /// This process.
    pub(crate) node: NodeId,
    /// The process that had the folder before, which is dead.
    pub(crate) before: Option<NodeId>,
    _lock: File,
}

impl Identity {
    /// Takes the folder over. `None` when a living process has it: several may share one
    /// folder, and then the others are nodes whose crashes are found out by their leases.
    pub(crate) fn take(folder: &Path, now: Timestamp) -> Result<Option<Self>> {
        let (lock_path, id_path) = (folder.join(LOCK), folder.join(ID));
        let failed = |path: &Path| format!("can't use {}", path.display());
        let lock = File::create(&lock_path).with_context(|| failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| failed(&lock_path));
            }
        }
        let before = match fs::read_to_string(&id_path) {
            // A damaged file is none: the lease then ends by itself.
            Ok(text) => Uuid::parse_str(text.trim()).ok().map(NodeId::from_uuid),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| failed(&id_path)),
        };
        let node = NodeId::generate(now);
        let unnamed = id_path.with_extension("new");
        fs::write(&unnamed, format!("{node}\n")).with_context(|| failed(&unnamed))?;
        fs::rename(&unnamed, &id_path).with_context(|| failed(&id_path))?;
        Ok(Some(Self {
            node,
            before,
            _lock: lock,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1);

    #[test]
    fn the_next_holder_learns_of_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let take = || Identity::take(folder.path(), NOW).unwrap();
        let first = take().unwrap();
        assert_eq!(first.before, None);
        assert!(take().is_none(), "it is alive");
        let node = first.node;
        drop(first);
        let second = take().unwrap();
        assert_eq!(second.before, Some(node));
        assert_ne!(second.node, node);
        drop(second);
        fs::write(folder.path().join(ID), "nonsense").unwrap();
        assert_eq!(take().unwrap().before, None);
    }
}
