use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use runloom_domain::{McpServerId, OrgId};
use runloom_store::{McpListing, McpServerRecord, McpServerSettings};

/// The MCP servers that runs of this node have used, as they were then.
#[derive(Default)]
pub(super) struct Opened(Mutex<HashMap<McpServerId, (OrgId, McpServerSettings)>>);

impl Opened {
    /// Notes a server that the pool holds already.
    pub(super) fn note(&self, server: &McpServerRecord) {
        let as_it_is = (server.org_id, server.settings.clone());
        self.lock().insert(server.server_id, as_it_is);
    }

    pub(super) fn owner(&self, server: McpServerId) -> Option<OrgId> {
        self.lock().get(&server).map(|(org, _)| *org)
    }

    /// The organisations of those that the pool `holds`; the others are forgotten.
    pub(super) fn owners(&self, holds: impl Fn(McpServerId) -> bool) -> Vec<OrgId> {
        let mut opened = self.lock();
        opened.retain(|server, _| holds(*server));
        let mut owners: Vec<_> = opened.values().map(|(org, _)| *org).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Takes out the organisation's servers that are to be used no more, or in another way.
    pub(super) fn take_unwanted(&self, org: OrgId, known: &[McpListing]) -> Vec<McpServerId> {
        let is_unwanted = |server: &McpServerId, settings: &McpServerSettings| {
            let mut known = known.iter().map(|listing| &listing.server);
            let now = known.find(|known| known.server_id == *server);
            now.is_none_or(|now| !now.settings.enabled || !now.settings.is_asked_as(settings))
        };
        let mut opened = self.lock();
        let unwanted =
            opened.extract_if(|server, (of, settings)| *of == org && is_unwanted(server, settings));
        unwanted.map(|(server, _)| server).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<McpServerId, (OrgId, McpServerSettings)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
