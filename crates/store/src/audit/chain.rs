use std::collections::{HashMap, HashSet};
use std::fmt;

use runloom_domain::AuditRecordId;

use super::{AuditRecord, CHAIN_START, Seal};

/// A seal, and what there is of the record that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// The seal.
    pub seal: Seal,
    /// Which record it is for.
    pub record_id: AuditRecordId,
    /// What there is of that record.
    pub record: SealedRecord,
}

/// What there is of a record that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealedRecord {
    /// It can be read.
    Kept(Box<AuditRecord>),
    /// It is there, but not as any version has written it.
    Unreadable,
    /// It is gone.
    Gone,
}

impl SealedRecord {
    fn fits(&self, seal: &Seal) -> bool {
        matches!(self, Self::Kept(record) if record.seal(&seal.previous) == seal.hash)
    }
}

/// Something that isn't as the sealer has left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A record or its seal was changed: the seal's hash isn't that of the record.
    Changed {
        /// The seal's place.
        seq: u64,
        /// The record.
        record_id: AuditRecordId,
    },
    /// A record is gone; its seal is there.
    Missing {
        /// The seal's place.
        seq: u64,
        /// The record.
        record_id: AuditRecordId,
    },
    /// Seals are gone, from the first to the last of these places.
    SealsMissing(u64, u64),
    /// Seals have other places than they were given.
    OutOfOrder {
        /// The place of the first.
        seq: u64,
        /// The place that it was given.
        was: u64,
        /// The record of the first.
        record_id: AuditRecordId,
        /// How many stand there in a row.
        count: u64,
    },
    /// A seal isn't made for the one that stands before it: one of the two was changed.
    Broken {
        /// The later one's place.
        seq: u64,
        /// The later one's record.
        record_id: AuditRecordId,
    },
    /// A record has no seal and doesn't wait for one, so the store hasn't written it.
    Unsealed(AuditRecordId),
    /// A head that somebody has kept isn't in the chain.
    HeadLost(u64),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { seq, record_id } => {
                write!(f, "{record_id} (seal {seq}): changed, or its seal was")
            }
            Self::Missing { seq, record_id } => write!(f, "{record_id} (seal {seq}): missing"),
            Self::SealsMissing(first, last) if first == last => write!(f, "seal {first}: missing"),
            Self::SealsMissing(first, last) => write!(f, "seals {first} to {last}: missing"),
            Self::OutOfOrder {
                seq,
                was,
                record_id,
                count,
            } => {
                write!(
                    f,
                    "{record_id} (seal {seq}): out of order, it was seal {was}"
                )?;
                if *count > 1 {
                    write!(f, ", and so are the {} behind it", count - 1)?;
                }
                Ok(())
            }
            Self::Broken { seq, record_id } => write!(
                f,
                "{record_id} (seal {seq}): not made for the seal before it, one of the two was changed"
            ),
            Self::Unsealed(record_id) => write!(f, "{record_id}: has no seal and waits for none"),
            Self::HeadLost(seq) => write!(f, "seal {seq}: not the one that was kept"),
        }
    }
}

/// Seals that follow each other as they should.
#[derive(Debug)]
struct Stretch {
    first_seq: u64,
    last_seq: u64,
    first_record: AuditRecordId,
    previous: [u8; 32],
    hash: [u8; 32],
}

impl Stretch {
    const fn count(&self) -> u64 {
        self.last_seq - self.first_seq + 1
    }
}

/// A check of one organisation's chain, to be given its links in the order of their places. It
/// remembers where something is wrong, not the links.
#[derive(Debug, Default)]
pub struct Chain {
    stretches: Vec<Stretch>,
    kept: HashSet<(u64, [u8; 32])>,
    findings: Vec<Finding>,
}

/// What a check has come to.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// The last seal's place and hash; `None` for an empty chain.
    pub head: Option<(u64, [u8; 32])>,
    /// All that is wrong.
    pub findings: Vec<Finding>,
}

impl Chain {
    /// A check that also looks for heads that somebody has kept.
    pub fn with_heads(kept: impl IntoIterator<Item = (u64, [u8; 32])>) -> Self {
        Self {
            kept: kept.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The next link.
    pub fn add(&mut self, link: &ChainLink) {
        let ChainLink {
            seal, record_id, ..
        } = link;
        let (seq, record_id) = (seal.seq, *record_id);
        if link.record == SealedRecord::Gone {
            self.findings.push(Finding::Missing { seq, record_id });
        } else if !link.record.fits(seal) {
            self.findings.push(Finding::Changed { seq, record_id });
        }
        self.kept.remove(&(seq, seal.hash));
        let last = self.stretches.last_mut();
        let follows = |last: &&mut Stretch| last.last_seq + 1 == seq && last.hash == seal.previous;
        match last.filter(follows) {
            Some(last) => (last.last_seq, last.hash) = (seq, seal.hash),
            None => self.stretches.push(Stretch {
                first_seq: seq,
                last_seq: seq,
                first_record: record_id,
                previous: seal.previous,
                hash: seal.hash,
            }),
        }
    }

    /// What is to be said now that all links were given.
    pub fn finish(mut self) -> Checked {
        let head = self.stretches.last().map(|last| (last.last_seq, last.hash));
        let moved = self.moved();
        let misplaced = moved.unwrap_or_else(|| self.gaps());
        self.findings.extend(misplaced);
        let mut lost: Vec<u64> = self.kept.into_iter().map(|(seq, _)| seq).collect();
        lost.sort_unstable();
        self.findings
            .extend(lost.into_iter().map(Finding::HeadLost));
        Checked {
            head,
            findings: self.findings,
        }
    }

    /// What has another place than it was given; `None` when the stretches don't make one whole
    /// chain in any order, so that something is missing or was changed.
    fn moved(&self) -> Option<Vec<Finding>> {
        let behind: HashMap<&[u8; 32], &Stretch> =
            self.stretches.iter().map(|s| (&s.previous, s)).collect();
        let (mut hash, mut seq, mut found) = (&CHAIN_START, 1, Vec::new());
        for _ in &self.stretches {
            let next = behind.get(hash)?;
            if next.first_seq != seq {
                found.push(Finding::OutOfOrder {
                    seq: next.first_seq,
                    was: seq,
                    record_id: next.first_record,
                    count: next.count(),
                });
            }
            (hash, seq) = (&next.hash, seq + next.count());
        }
        Some(found)
    }

    /// Where a stretch doesn't follow the one before it.
    fn gaps(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let (mut next, mut hash) = (1, &CHAIN_START);
        for stretch in &self.stretches {
            if stretch.first_seq > next {
                found.push(Finding::SealsMissing(next, stretch.first_seq - 1));
            } else if stretch.previous != *hash {
                found.push(Finding::Broken {
                    seq: stretch.first_seq,
                    record_id: stretch.first_record,
                });
            }
            (next, hash) = (stretch.last_seq + 1, &stretch.hash);
        }
        found
    }
}

#[cfg(test)]
mod tests;
