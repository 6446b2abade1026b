//! Secrets that organisations entrust to us, encrypted where they are stored.
//!
//! Each organisation has a data key, 32 random bytes, by which its secrets are encrypted with
//! AES-256-GCM and a random nonce. The data key is stored too, wrapped the same way by a key
//! that derives from the installation's master secret. So a copy of the database tells nothing,
//! and the master secret can change without a secret being encrypted anew.
//!
//! The place where a secret is stored is authenticated with it: one that was moved to another
//! organisation, row or column doesn't open.

mod cipher;
mod master_key;
mod place;
mod plain_key;
mod rotation;
mod vault;

pub use master_key::MasterKey;
pub use place::Place;
pub use rotation::{Rotated, Rotation};
pub use vault::{Vault, VaultError};
