use runloom_domain::{HttpToolId, OrgId, Timestamp};

use super::is_stale;
use crate::memory::state::{State, rejected, storable};
use crate::{
    Action, By, DeleteConfig, HttpToolRecord, HttpToolSettings, MAX_HTTP_TOOLS, NewHttpTool,
    StoreError, ToolRefusal, Update, entries, http_tool_texts,
};

impl State {
    pub(super) fn own_http_tools(&self, org: OrgId) -> impl Iterator<Item = &HttpToolRecord> {
        let all = self.config.http_tools.values();
        all.filter(move |row| row.org_id == org)
    }

    pub(super) fn own_http_tool(&self, org: OrgId, id: HttpToolId) -> Option<&HttpToolRecord> {
        let found = self.config.http_tools.get(&id);
        found.filter(|row| row.org_id == org)
    }

    fn is_http_tool_taken(&self, org: OrgId, id: HttpToolId, settings: &HttpToolSettings) -> bool {
        let name = &settings.definition.name;
        let mut others = self.own_http_tools(org);
        others.any(|other| other.tool_id != id && other.settings.definition.name == *name)
    }

    pub(super) fn add_http_tool(
        &mut self,
        new: NewHttpTool,
        by: By,
    ) -> Result<Result<(), ToolRefusal>, StoreError> {
        storable(http_tool_texts(&new.settings))?;
        let (org, id) = (new.org_id, new.tool_id);
        if self.config.http_tools.contains_key(&id) {
            return Err(rejected("the id of a tool is repeated"));
        }
        if self.own_http_tools(org).count() as u64 >= MAX_HTTP_TOOLS {
            return Ok(Err(ToolRefusal::TooMany));
        }
        if self.is_http_tool_taken(org, id, &new.settings) {
            return Ok(Err(ToolRefusal::Taken));
        }
        self.note(by, entries::http_tool_created(&new));
        self.config.http_tools.insert(id, new.into());
        self.config_changed(org);
        Ok(Ok(()))
    }

    pub(super) fn change_http_tool(
        &mut self,
        (org, id): (OrgId, HttpToolId),
        expected: u64,
        settings: HttpToolSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<HttpToolRecord, ToolRefusal>>, StoreError> {
        storable(http_tool_texts(&settings))?;
        let Some(found) = self.own_http_tool(org, id) else {
            return Ok(Update::Absent);
        };
        if found.version != expected {
            return Ok(Update::Stale);
        }
        if self.is_http_tool_taken(org, id, &settings) {
            return Ok(Update::Done(Err(ToolRefusal::Taken)));
        }
        let changed = HttpToolRecord {
            settings,
            version: expected + 1,
            updated_at: at,
            ..found.clone()
        };
        let (action, name) = (Action::HttpToolChanged, &changed.settings.definition.name);
        self.note(by, entries::http_tool(action, org, id, name));
        self.config.http_tools.insert(id, changed.clone());
        self.config_changed(org);
        Ok(Update::Done(Ok(changed)))
    }

    pub(super) fn remove_http_tool(
        &mut self,
        org: OrgId,
        id: HttpToolId,
        expected: Option<u64>,
        by: By,
    ) -> DeleteConfig {
        let Some(found) = self.own_http_tool(org, id) else {
            return DeleteConfig::Absent;
        };
        if is_stale(found.version, expected) {
            return DeleteConfig::Stale;
        }
        let runs = self.runs_using(org, id.as_uuid());
        if runs > 0 {
            return DeleteConfig::InUse { routes: 0, runs };
        }
        if let Some(gone) = self.config.http_tools.remove(&id) {
            let (action, name) = (Action::HttpToolDeleted, &gone.settings.definition.name);
            self.note(by, entries::http_tool(action, org, id, name));
        }
        self.config_changed(org);
        DeleteConfig::Deleted
    }
}
