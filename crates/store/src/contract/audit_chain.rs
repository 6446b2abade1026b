//! How the records of an organisation are chained.

use std::collections::BTreeSet;

use runloom_domain::{AuditRecordId, OrgId};
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{Tenant, first_page, now, someone, tenant};
use crate::{AuditFilter, By, Chain, ChainLink, Checked, SealedRecord, Unsealed};

/// Leaves so many records.
async fn records(h: &Harness, of: &Tenant, count: usize) {
    for _ in 0..count {
        let set = h.store().set_metered(of.org, Some(true), someone()).await;
        assert!(set.unwrap());
    }
}

/// Seals all that there is of an organisation, in steps.
async fn seal_all(h: &Harness, org: OrgId, limit: u32) -> u32 {
    let mut sealed = 0;
    loop {
        match h.store().seal_audit(org, limit).await.unwrap() {
            0 => return sealed,
            some => sealed += some,
        }
    }
}

/// Whether records of an organisation wait for their seals.
async fn waits(h: &Harness, org: OrgId) -> bool {
    let orgs = h.store().unsealed_orgs(None, 1_000).await.unwrap();
    assert!(orgs.is_sorted());
    orgs.contains(&org)
}

async fn chain(h: &Harness, org: OrgId) -> Vec<ChainLink> {
    h.store().audit_chain(org, 0, 1_000).await.unwrap()
}

fn checked(links: &[ChainLink]) -> Checked {
    let mut chain = Chain::default();
    for link in links {
        chain.add(link);
    }
    chain.finish()
}

/// Each organisation has a chain of its own, in steps of whatever size, and nothing is sealed
/// twice.
pub async fn records_are_chained(h: &Harness) {
    let (one, other) = (tenant(h).await, tenant(h).await);
    records(h, &one, 4).await;
    records(h, &other, 2).await;
    assert_eq!(seal_all(h, one.org, 3).await, 5);
    assert!(!waits(h, one.org).await && waits(h, other.org).await);
    assert_eq!(seal_all(h, other.org, 3).await, 3);
    assert!(!waits(h, other.org).await);
    records(h, &one, 1).await;
    assert!(waits(h, one.org).await);
    assert_eq!(seal_all(h, one.org, 100).await, 1);
    for (tenant, count) in [(&one, 6), (&other, 3)] {
        let links = chain(h, tenant.org).await;
        let seqs: Vec<u64> = links.iter().map(|link| link.seal.seq).collect();
        assert_eq!(seqs, (1..=count).collect::<Vec<u64>>());
        assert_eq!(checked(&links).findings, []);
        let ids: BTreeSet<AuditRecordId> = links.iter().map(|link| link.record_id).collect();
        assert_eq!(ids.len(), links.len());
        let kept = |link: &ChainLink| match &link.record {
            SealedRecord::Kept(record) => record.org_id == tenant.org,
            _ => false,
        };
        assert!(links.iter().all(kept));
    }
    let part = h.store().audit_chain(one.org, 4, 1).await.unwrap();
    assert_eq!(part, chain(h, one.org).await[4..5]);
    let log = h
        .store()
        .audit_log(one.org, AuditFilter::default(), first_page(1));
    let newest = log.await.unwrap().items.remove(0);
    assert_eq!(newest.seal.map(|seal| seal.seq), Some(6));
}

/// Nodes that seal at once make one chain.
pub async fn racing_sealers_make_one_chain(h: &Harness) {
    let owner = tenant(h).await;
    records(h, &owner, 20).await;
    let mut sealing = JoinSet::new();
    for _ in 0..4 {
        let (store, org) = (h.shared(), owner.org);
        sealing.spawn(async move {
            for _ in 0..10 {
                store.seal_audit(org, 3).await.unwrap();
            }
        });
    }
    sealing.join_all().await;
    seal_all(h, owner.org, 100).await;
    let checked = checked(&chain(h, owner.org).await);
    assert_eq!(checked.findings, []);
    assert_eq!(checked.head.map(|(seq, _)| seq), Some(21));
}

/// What waits for its seal is told in parts, and which organisations there are.
pub async fn unsealed_records_are_told(h: &Harness) {
    let owner = tenant(h).await;
    seal_all(h, owner.org, 100).await;
    let by = [(); 3].map(|()| By::system(now()));
    for by in by {
        h.store().set_metered(owner.org, None, by).await.unwrap();
    }
    let told = async |after, limit| {
        let told = h.store().unsealed_audit(owner.org, after, limit).await;
        told.unwrap()
    };
    let mut waiting = by.map(|by| Unsealed {
        record_id: by.record_id,
        at: by.at,
        waits: true,
    });
    waiting.sort_unstable_by_key(|it| it.record_id);
    assert_eq!(told(None, 9).await, waiting);
    assert_eq!(told(Some(waiting[0].record_id), 1).await, waiting[1..2]);
    seal_all(h, owner.org, 100).await;
    assert_eq!(told(None, 9).await, []);
    let other = tenant(h).await;
    let orgs = h.store().audited_orgs(None, 1_000).await.unwrap();
    assert!(orgs.is_sorted() && orgs.contains(&owner.org) && orgs.contains(&other.org));
    let behind = h.store().audited_orgs(Some(orgs[0]), 1).await.unwrap();
    assert_eq!(behind, orgs[1..2]);
    // Of three organisations' at least.
    for _ in 0..2 {
        tenant(h).await;
    }
    let unsealed = h.store().unsealed_orgs(None, 1_000).await.unwrap();
    assert!(unsealed.is_sorted() && unsealed.contains(&other.org));
    assert!(!unsealed.contains(&owner.org));
    let behind = h.store().unsealed_orgs(Some(unsealed[0]), 1).await;
    assert_eq!(behind.unwrap(), unsealed[1..2]);
}
