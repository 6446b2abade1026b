//! Organisations: what they are called, who belongs to them, and who shall.

mod invitation_token;
mod invitations;
mod members;
mod own;
mod refusal;
mod service_accounts;
mod sight;

pub use invitations::{Accepted, Invitation, InvitationRequest, Invited};
pub use members::Member;
pub use refusal::OrgRefusal;
pub use service_accounts::{ServiceAccount, ServiceAccountRequest};
pub use sight::RunSight;

#[cfg(test)]
mod tests;
