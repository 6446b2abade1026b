use runloom_domain::{McpServerId, OrgId, Timestamp};

use super::is_stale;
use crate::memory::state::{State, rejected, storable};
use crate::{
    Action, By, DeleteConfig, MAX_MCP_SERVERS, McpListing, McpServerRecord, McpServerSettings,
    NewMcpServer, StoreError, ToolRefusal, UnknownTool, Update, approve, entries, mcp_server_texts,
};

impl State {
    pub(super) fn own_mcp_servers(&self, org: OrgId) -> impl Iterator<Item = &McpListing> {
        let all = self.config.mcp_servers.values();
        all.filter(move |row| row.server.org_id == org)
    }

    pub(super) fn own_mcp_server(&self, org: OrgId, id: McpServerId) -> Option<&McpListing> {
        let found = self.config.mcp_servers.get(&id);
        found.filter(|row| row.server.org_id == org)
    }

    /// The server in the version that is expected, if one is.
    pub(super) fn mcp_server_seen(
        &self,
        (org, id): (OrgId, McpServerId),
        expected: Option<u64>,
    ) -> Result<McpListing, Missed> {
        let found = self.own_mcp_server(org, id).ok_or(Missed::Absent)?;
        if is_stale(found.server.version, expected) {
            return Err(Missed::Stale);
        }
        Ok(found.clone())
    }

    pub(super) fn put_mcp_listing(&mut self, listing: McpListing) {
        let (org, id) = (listing.server.org_id, listing.server.server_id);
        self.config.mcp_servers.insert(id, listing);
        self.config_changed(org);
    }

    pub(super) fn add_mcp_server(
        &mut self,
        new: NewMcpServer,
        by: By,
    ) -> Result<Result<(), ToolRefusal>, StoreError> {
        storable(mcp_server_texts(&new.settings).chain([new.key.as_str()]))?;
        if self.config.mcp_servers.contains_key(&new.server_id) {
            return Err(rejected("the id of a server is repeated"));
        }
        if self.own_mcp_servers(new.org_id).count() as u64 >= MAX_MCP_SERVERS {
            return Ok(Err(ToolRefusal::TooMany));
        }
        let mut others = self.own_mcp_servers(new.org_id);
        if others.any(|other| other.server.key == new.key) {
            return Ok(Err(ToolRefusal::Taken));
        }
        drop(others);
        self.note(by, entries::mcp_server_created(&new));
        self.put_mcp_listing(McpListing {
            server: new.into(),
            tools: vec![],
        });
        Ok(Ok(()))
    }

    pub(super) fn change_mcp_server(
        &mut self,
        now: Timestamp,
        place: (OrgId, McpServerId),
        expected: u64,
        settings: McpServerSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<McpServerRecord>, StoreError> {
        storable(mcp_server_texts(&settings))?;
        let mut listing = match self.mcp_server_seen(place, Some(expected)) {
            Ok(listing) => listing,
            Err(missed) => return Ok(missed.into()),
        };
        if !settings.is_asked_as(&listing.server.settings) {
            self.config.discover_at.insert(place.1, now);
        }
        listing.server = listing.server.changed(settings, at);
        self.put_mcp_listing(listing.clone());
        let (action, key) = (Action::McpServerChanged, &listing.server.key);
        self.note(by, entries::mcp_server(action, place.0, place.1, key));
        Ok(Update::Done(listing.server))
    }

    pub(super) fn remove_mcp_server(
        &mut self,
        (org, id): (OrgId, McpServerId),
        expected: Option<u64>,
        by: By,
    ) -> DeleteConfig {
        match self.mcp_server_seen((org, id), expected) {
            Ok(_) => {}
            Err(Missed::Absent) => return DeleteConfig::Absent,
            Err(Missed::Stale) => return DeleteConfig::Stale,
        }
        let runs = self.runs_using(org, id.as_uuid());
        if runs > 0 {
            return DeleteConfig::InUse { routes: 0, runs };
        }
        if let Some(gone) = self.config.mcp_servers.remove(&id) {
            let (action, key) = (Action::McpServerDeleted, &gone.server.key);
            self.note(by, entries::mcp_server(action, org, id, key));
        }
        self.config.discover_at.remove(&id);
        self.config_changed(org);
        DeleteConfig::Deleted
    }

    pub(super) fn approve_mcp_tools(
        &mut self,
        place: (OrgId, McpServerId),
        expected: Option<u64>,
        names: Option<&[String]>,
        at: Timestamp,
        by: By,
    ) -> Update<Result<McpListing, UnknownTool>> {
        let mut listing = match self.mcp_server_seen(place, expected) {
            Ok(listing) => listing,
            Err(missed) => return missed.into(),
        };
        if let Err(unknown) = approve(&mut listing.tools, names) {
            return Update::Done(Err(unknown));
        }
        listing.server.version += 1;
        listing.server.updated_at = at;
        self.put_mcp_listing(listing.clone());
        let approved = entries::tools_approved(place.0, place.1, &listing.server.key, names);
        self.note(by, approved);
        Update::Done(Ok(listing))
    }
}

/// Why a server isn't there as expected.
pub(super) enum Missed {
    Absent,
    Stale,
}

impl<T> From<Missed> for Update<T> {
    fn from(missed: Missed) -> Self {
        match missed {
            Missed::Absent => Self::Absent,
            Missed::Stale => Self::Stale,
        }
    }
}
