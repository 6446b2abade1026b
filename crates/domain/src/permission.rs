use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See runs and their events.
    RunsRead,
    /// Start, answer and cancel runs.
    RunsWrite,
    /// See threads and messages.
    ThreadsRead,
    /// Make and change threads and messages.
    ThreadsWrite,
    /// Change personas.
    PersonasManage,
    /// Change routes and credentials.
    RoutesManage,
    /// Change tools and tool servers.
    ToolsManage,
    /// Change members.
    MembersManage,
    /// Make and revoke API keys.
    KeysManage,
    /// See usage and credits.
    UsageRead,
    /// Read the audit log.
    AuditRead,
}

impl Permission {
    /// Every permission, in the order of their bits.
    pub const ALL: [Self; 11] = [
        Self::RunsRead,
        Self::RunsWrite,
        Self::ThreadsRead,
        Self::ThreadsWrite,
        Self::PersonasManage,
        Self::RoutesManage,
        Self::ToolsManage,
        Self::MembersManage,
        Self::KeysManage,
        Self::UsageRead,
        Self::AuditRead,
    ];

    /// The name, which is also the name of the API key scope.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunsRead => "runs.read",
            Self::RunsWrite => "runs.write",
            Self::ThreadsRead => "threads.read",
            Self::ThreadsWrite => "threads.write",
            Self::PersonasManage => "personas.manage",
            Self::RoutesManage => "routes.manage",
            Self::ToolsManage => "tools.manage",
            Self::MembersManage => "members.manage",
            Self::KeysManage => "keys.manage",
            Self::UsageRead => "usage.read",
            Self::AuditRead => "audit.read",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no permission or role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(pub String);

impl FromStr for Permission {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u16);

impl PermissionSet {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// Every permission.
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether `permission` is in the set.
    pub const fn allows(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u16) != 0
    }

    /// What is in both sets: a key's rights are its owner's role and its scopes.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The permissions in the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.allows(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | 1 << permission as u16),
        )
    }
}

/// What a member is in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgRole {
    /// May do everything.
    Owner,
    /// May do everything but what only owners may (deleting the organisation).
    Admin,
    /// Works with threads and runs.
    Member,
    /// Looks.
    Viewer,
}

impl OrgRole {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Every role, the highest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// Whether the role stands above another one: nobody gives a role above their own, or changes
    /// who has one.
    pub const fn is_above(self, other: Self) -> bool {
        (self as u8) < other as u8
    }

    /// What the role allows.
    pub fn permissions(self) -> PermissionSet {
        use Permission as P;
        match self {
            Self::Owner | Self::Admin => PermissionSet::all(),
            Self::Member => [P::RunsRead, P::RunsWrite, P::ThreadsRead, P::ThreadsWrite]
                .into_iter()
                // A member's keys can do no more than the member.
                .chain([P::KeysManage])
                .collect(),
            Self::Viewer => [P::RunsRead, P::ThreadsRead].into_iter().collect(),
        }
    }
}

impl FromStr for OrgRole {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownName(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_can_do_no_more_than_its_owner() {
        let scopes: PermissionSet = [Permission::RunsWrite, Permission::RunsRead]
            .into_iter()
            .collect();
        let rights = OrgRole::Viewer.permissions().and(scopes);
        assert_eq!(rights.iter().collect::<Vec<_>>(), [Permission::RunsRead]);
        assert_eq!(
            OrgRole::Owner.permissions().and(PermissionSet::NONE),
            PermissionSet::NONE
        );
    }

    #[test]
    fn a_higher_role_allows_all_that_a_lower_one_does() {
        for pair in OrgRole::ALL.windows(2) {
            let (higher, lower) = (pair[0], pair[1]);
            assert!(higher.is_above(lower) && !lower.is_above(higher));
            assert!(!higher.is_above(higher));
            let both = higher.permissions().and(lower.permissions());
            assert_eq!(both, lower.permissions());
        }
    }

    #[test]
    fn names_round_trip() {
        for role in OrgRole::ALL {
            assert_eq!(role.as_str().parse::<OrgRole>().unwrap(), role);
        }
        for permission in Permission::ALL {
            assert_eq!(
                permission.as_str().parse::<Permission>().unwrap(),
                permission
            );
        }
    }
}
