use std::collections::BTreeSet;

use async_trait::async_trait;
use runloom_domain::{AuditRecordId, OrgId, UserId};

use super::MemoryStore;
use super::lists::newest_first;
use super::state::State;
use crate::{
    AuditFilter, AuditRecord, AuditStore, Audited, By, CHAIN_START, ChainLink, Entry, Page,
    PageKey, Paged, Seal, SealedRecord, StoreError, Unsealed,
};

/// The records of all organisations in the order in which they were written.
#[derive(Default)]
pub(super) struct AuditLog(Vec<Audited>);

impl AuditLog {
    fn of(&self, org: OrgId) -> impl Iterator<Item = &Audited> {
        self.0.iter().filter(move |it| it.record.org_id == org)
    }

    fn head(&self, org: OrgId) -> (u64, [u8; 32]) {
        let seals = self.of(org).filter_map(|it| it.seal.as_ref());
        let last = seals.max_by_key(|seal| seal.seq);
        last.map_or((0, CHAIN_START), |seal| (seal.seq, seal.hash))
    }
}

impl AuditFilter {
    fn lets(&self, record: &AuditRecord) -> bool {
        let action = self.action.as_ref();
        let actor = |user: UserId| record.actor.user_id() == Some(user);
        let subject = |id: &String| *id == record.subject_id;
        action.is_none_or(|action| *action == record.action)
            && self.actor.is_none_or(actor)
            && self.subject.as_ref().is_none_or(subject)
            && self.from.is_none_or(|from| record.at >= from)
            && self.to.is_none_or(|to| record.at < to)
    }
}

impl State {
    /// Writes a record of what is done under the same lock.
    pub(super) fn note(&mut self, by: By, entry: Entry) {
        let record = AuditRecord::new(by, entry);
        self.audit.0.push(Audited { record, seal: None });
    }

    /// The same in each organisation that a person is in.
    pub(super) fn note_of(&mut self, by: By, user: UserId, entry: impl Fn(OrgId) -> Entry) {
        for (_, org) in self.joined_orgs(user) {
            self.note(by, entry(org));
        }
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn audit_log(
        &self,
        org: OrgId,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Paged<Audited>, StoreError> {
        let state = self.state();
        let own = state.audit.of(org).filter(|it| filter.lets(&it.record));
        Ok(newest_first(own.cloned().collect(), page, |it| PageKey {
            created_at: it.record.at,
            id: it.record.record_id.as_uuid(),
        }))
    }

    async fn unsealed_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError> {
        let state = self.state();
        let unsealed = state.audit.0.iter().filter(|it| it.seal.is_none());
        let orgs = unsealed.map(|it| it.record.org_id);
        let orgs = orgs.filter(|org| after.is_none_or(|after| *org > after));
        let orgs: BTreeSet<OrgId> = orgs.collect();
        Ok(orgs.into_iter().take(limit as usize).collect())
    }

    async fn seal_audit(&self, org: OrgId, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state();
        let records = state.audit.0.iter().enumerate();
        let mut unsealed: Vec<(AuditRecordId, usize)> = records
            .filter(|(_, it)| it.seal.is_none() && it.record.org_id == org)
            .map(|(place, it)| (it.record.record_id, place))
            .collect();
        unsealed.sort_unstable();
        unsealed.truncate(limit as usize);
        let (mut seq, mut previous) = state.audit.head(org);
        for (_, place) in &unsealed {
            let it = &mut state.audit.0[*place];
            let hash = it.record.seal(&previous);
            seq += 1;
            it.seal = Some(Seal {
                seq,
                previous,
                hash,
            });
            previous = hash;
        }
        Ok(u32::try_from(unsealed.len()).unwrap_or(limit))
    }

    async fn audited_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError> {
        let state = self.state();
        let orgs = state.orgs.rows.keys().copied();
        let orgs = orgs.filter(|org| after.is_none_or(|after| *org > after));
        Ok(orgs.take(limit as usize).collect())
    }

    async fn audit_chain(
        &self,
        org: OrgId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ChainLink>, StoreError> {
        let state = self.state();
        let link = |it: &Audited| {
            Some(ChainLink {
                seal: it.seal.clone()?,
                record_id: it.record.record_id,
                record: SealedRecord::Kept(Box::new(it.record.clone())),
            })
        };
        let mut links: Vec<ChainLink> = state.audit.of(org).filter_map(link).collect();
        links.retain(|link| link.seal.seq > after);
        links.sort_unstable_by_key(|link| link.seal.seq);
        links.truncate(limit as usize);
        Ok(links)
    }

    async fn unsealed_audit(
        &self,
        org: OrgId,
        after: Option<AuditRecordId>,
        limit: u32,
    ) -> Result<Vec<Unsealed>, StoreError> {
        let state = self.state();
        let records = state.audit.of(org).filter(|it| it.seal.is_none());
        let records = records.map(|it| Unsealed {
            record_id: it.record.record_id,
            at: it.record.at,
            waits: true,
        });
        let behind = |it: &Unsealed| after.is_none_or(|after| it.record_id > after);
        let mut unsealed: Vec<Unsealed> = records.filter(behind).collect();
        unsealed.sort_unstable_by_key(|it| it.record_id);
        unsealed.truncate(limit as usize);
        Ok(unsealed)
    }
}
