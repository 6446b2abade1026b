use runloom_domain::{OrgId, Timestamp};

use super::*;
use crate::audit::{Action, By, Entry};

/// Makes a link's record another one.
fn change(link: &mut ChainLink) -> &AuditRecord {
    let SealedRecord::Kept(record) = &mut link.record else {
        panic!("the record is gone");
    };
    record.details.push(' ');
    record
}

/// A chain as the sealer makes it.
fn links(count: u64) -> Vec<ChainLink> {
    let org = OrgId::generate(Timestamp::from_micros(1));
    let mut previous = CHAIN_START;
    let link = |seq| {
        let by = By::system(Timestamp::from_micros(1));
        let record = AuditRecord::new(by, Entry::new(Action::OrgChanged, org, &seq));
        let hash = record.seal(&previous);
        let seal = Seal {
            seq,
            previous,
            hash,
        };
        previous = hash;
        ChainLink {
            seal,
            record_id: record.record_id,
            record: SealedRecord::Kept(Box::new(record)),
        }
    };
    (1..=count).map(link).collect()
}

fn found(links: &[ChainLink]) -> Vec<Finding> {
    found_with(links, [])
}

fn found_with<const N: usize>(links: &[ChainLink], kept: [(u64, [u8; 32]); N]) -> Vec<Finding> {
    let mut chain = Chain::with_heads(kept);
    for link in links {
        chain.add(link);
    }
    chain.finish().findings
}

#[test]
fn a_whole_chain_has_a_head() {
    let links = links(4);
    let mut chain = Chain::default();
    for link in &links {
        chain.add(link);
    }
    let head = Some((4, links[3].seal.hash));
    let findings = Vec::new();
    assert_eq!(chain.finish(), Checked { head, findings });
    assert_eq!(Chain::default().finish().head, None);
}

#[test]
fn a_changed_record_is_named() {
    let mut links = links(4);
    let record_id = links[1].record_id;
    change(&mut links[1]);
    assert_eq!(found(&links), [Finding::Changed { seq: 2, record_id }]);
    links[1].record = SealedRecord::Unreadable;
    assert_eq!(found(&links), [Finding::Changed { seq: 2, record_id }]);
}

#[test]
fn a_record_that_is_gone_is_named() {
    let mut links = links(4);
    let record_id = links[3].record_id;
    links[3].record = SealedRecord::Gone;
    assert_eq!(found(&links), [Finding::Missing { seq: 4, record_id }]);
}

#[test]
fn seals_that_are_gone_are_named() {
    let mut links = links(6);
    links.drain(2..4);
    assert_eq!(found(&links), [Finding::SealsMissing(3, 4)]);
    links.drain(..1);
    let both = [Finding::SealsMissing(1, 1), Finding::SealsMissing(3, 4)];
    assert_eq!(found(&links), both);
}

#[test]
fn seals_that_have_changed_places_are_named() {
    let mut links = links(6);
    links.swap(2, 3);
    (links[2].seal.seq, links[3].seal.seq) = (3, 4);
    let moved = |seq, was| Finding::OutOfOrder {
        seq,
        was,
        record_id: links[seq as usize - 1].record_id,
        count: 1,
    };
    assert_eq!(found(&links), [moved(4, 3), moved(3, 4)]);
}

#[test]
fn seals_that_have_changed_records_are_named() {
    let mut links = links(4);
    let (first, second) = (links[1].clone(), links[2].clone());
    (links[1].record_id, links[1].record) = (second.record_id, second.record);
    (links[2].record_id, links[2].record) = (first.record_id, first.record);
    let changed = |seq| Finding::Changed {
        seq,
        record_id: links[seq as usize - 1].record_id,
    };
    assert_eq!(found(&links), [changed(2), changed(3)]);
}

#[test]
fn a_record_that_was_sealed_anew_does_not_fit_what_follows() {
    let mut links = links(4);
    let previous = links[1].seal.previous;
    links[1].seal.hash = change(&mut links[1]).seal(&previous);
    let record_id = links[2].record_id;
    assert_eq!(found(&links), [Finding::Broken { seq: 3, record_id }]);
}

#[test]
fn a_cut_tail_is_seen_by_a_kept_head_only() {
    let mut links = links(4);
    let (second, head) = (links[1].seal.hash, links[3].seal.hash);
    assert_eq!(found_with(&links, [(4, head), (2, second)]), []);
    links.truncate(3);
    assert_eq!(found(&links), []);
    assert_eq!(found_with(&links, [(4, head)]), [Finding::HeadLost(4)]);
    assert_eq!(found_with(&links, [(2, head)]), [Finding::HeadLost(2)]);
    let twice = [(3, links[2].seal.hash), (3, head)];
    assert_eq!(found_with(&links, twice), [Finding::HeadLost(3)]);
}
