use std::time::Duration;

use runloom_domain::{McpServerId, OrgId, Timestamp};

use crate::memory::state::{State, storable};
use crate::{
    DiscoveryError, FoundTool, McpListing, StoreError, Update, WantedDiscovery, discovered,
    lists_the_same,
};

/// A server that nobody has asked yet is due since the beginning of time.
const AT_ONCE: Timestamp = Timestamp::from_micros(0);

impl State {
    fn discover_at(&self, server: McpServerId) -> Timestamp {
        let at = self.config.discover_at.get(&server);
        at.copied().unwrap_or(AT_ONCE)
    }

    pub(super) fn claim_discoveries(
        &mut self,
        now: Timestamp,
        limit: u32,
        hold: Duration,
    ) -> Vec<(OrgId, McpServerId)> {
        let enabled = self.config.mcp_servers.values().map(|row| &row.server);
        let enabled = enabled.filter(|server| server.settings.enabled);
        let due = enabled.map(|server| (self.discover_at(server.server_id), server));
        let mut due: Vec<_> = due
            .filter(|(at, _)| *at <= now)
            .map(|(at, server)| (at, (server.org_id, server.server_id)))
            .collect();
        due.sort_unstable_by_key(|(at, _)| *at);
        due.truncate(limit as usize);
        for (_, (_, server)) in &due {
            self.config.discover_at.insert(*server, now + hold);
        }
        due.into_iter().map(|(_, place)| place).collect()
    }

    pub(super) fn want_discovery(&mut self, now: Timestamp, org: OrgId, wanted: WantedDiscovery) {
        let own = self.own_mcp_servers(org).map(|row| &row.server);
        let wanted = own.filter(|server| match wanted {
            WantedDiscovery::Server(id) => server.server_id == id,
            WantedDiscovery::AskedBefore(before) => {
                let discovery = &server.discovery;
                let old = discovery.asked_at.is_some_and(|at| at < before);
                old && discovery.error.is_none() && self.discover_at(server.server_id) > now
            }
        });
        let wanted: Vec<_> = wanted.map(|server| server.server_id).collect();
        for server in wanted {
            self.config.discover_at.insert(server, now);
        }
    }

    /// Puts off when the server is asked next, unless somebody has wanted it meanwhile.
    fn put_off(&mut self, (now, next): (Timestamp, Duration), server: McpServerId) {
        if self.discover_at(server) > now {
            self.config.discover_at.insert(server, now + next);
        }
    }

    pub(super) fn discover_tools(
        &mut self,
        when: (Timestamp, Duration),
        place: (OrgId, McpServerId),
        expected: u64,
        found: Vec<FoundTool>,
        at: Timestamp,
    ) -> Result<Update<McpListing>, StoreError> {
        storable(found.iter().flat_map(|found| {
            let definition = &found.version.definition;
            [
                found.tool.as_str(),
                &definition.name,
                &definition.description,
            ]
        }))?;
        let mut listing = match self.mcp_server_seen(place, Some(expected)) {
            Ok(listing) => listing,
            Err(missed) => return Ok(missed.into()),
        };
        let tools = discovered(&listing.server, listing.tools.clone(), found, at);
        let is_known = listing.server.listed_at.is_some() && lists_the_same(&listing.tools, &tools);
        listing.tools = tools;
        listing.server.answered(at);
        if is_known {
            self.config.mcp_servers.insert(place.1, listing.clone());
        } else {
            listing.server.version += 1;
            self.put_mcp_listing(listing.clone());
        }
        self.put_off(when, place.1);
        Ok(Update::Done(listing))
    }

    pub(super) fn miss_discovery(
        &mut self,
        when: (Timestamp, Duration),
        place: (OrgId, McpServerId),
        expected: u64,
        failed: DiscoveryError,
        at: Timestamp,
    ) -> Result<Update<()>, StoreError> {
        storable([failed.class.as_str(), &failed.message])?;
        let mut listing = match self.mcp_server_seen(place, Some(expected)) {
            Ok(listing) => listing,
            Err(missed) => return Ok(missed.into()),
        };
        listing.server.failed(failed, at);
        self.config.mcp_servers.insert(place.1, listing);
        self.put_off(when, place.1);
        Ok(Update::Done(()))
    }
}
