//! Making the parts from the configuration, one file per part.

mod catalog;
mod configuring;
mod endpoints;
mod master_key;
mod metrics;
mod models;
mod node;
mod readiness;
mod remembered;
mod roles;
mod signals;
mod store;
mod tools;

pub(crate) use catalog::{OrgCatalog, platform};
pub(crate) use configuring::configuring;
pub(crate) use endpoints::OwnEndpoints;
pub(crate) use master_key::keys;
pub(crate) use metrics::metrics;
pub(crate) use models::{models, with_own};
pub(crate) use node::Identity;
pub(crate) use readiness::DatabaseReadiness;
pub(crate) use signals::signals;
pub(crate) use store::{Opened, open};
pub(crate) use tools::{
    Discoverer, DiscovererParts, OrgTools, OrgToolsParts, PlatformTools, tools,
};
