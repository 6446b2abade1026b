use runloom_domain::{CredentialId, EncryptedSecret, OrgId, Timestamp, UserId};

/// A provider's key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key.
    pub secret: EncryptedSecret,
    /// How its text begins, for people to know it again; absent when it is too short to show
    /// anything of it.
    pub prefix: Option<String>,
}

/// What a credential consists of, as far as it can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialSettings {
    /// What people call it.
    pub name: String,
    /// Where the provider is reached, when not at its usual address.
    pub base_url: Option<String>,
    /// The key; absent for providers that ask for none.
    pub key: Option<StoredKey>,
}

/// A credential to be stored.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub credential_id: CredentialId,
    /// The kind of the routes that it is for, such as `openai_chat`.
    pub provider: String,
    /// What it consists of.
    pub settings: CredentialSettings,
    /// Who makes it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// A credential as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub credential_id: CredentialId,
    /// The kind of the routes that it is for.
    pub provider: String,
    /// What it consists of.
    pub settings: CredentialSettings,
    /// Raised by each change, from 1.
    pub version: u64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<NewCredential> for CredentialRecord {
    fn from(new: NewCredential) -> Self {
        Self {
            org_id: new.org_id,
            credential_id: new.credential_id,
            provider: new.provider,
            settings: new.settings,
            version: 1,
            created_by: new.created_by,
            created_at: new.created_at,
            updated_at: new.created_at,
        }
    }
}
