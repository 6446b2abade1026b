//! A new password for somebody who has forgotten theirs.

use std::time::Duration;

use runloom_domain::{OrgRole, Permission, Timestamp, UserId};
use runloom_store::{
    Actor, By, CreateReset, Idempotency, NewReset, Once, Origin, SessionStore, StoreError,
};
use sha2::{Digest as _, Sha256};

use crate::check::Checks;
use crate::{AccountError, Accounts, Caller, Secret, password, random};

/// How long a reset token works.
const LIFETIME: Duration = Duration::from_hours(1);

/// Lets whoever has it choose a new password for one person, once.
#[derive(Clone, Debug)]
pub struct PasswordReset {
    /// The token, which can't be had a second time.
    pub token: Secret,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl PasswordReset {
    fn new(now: Timestamp) -> Self {
        Self {
            token: format!("rlp_{}", random::base64url_256()).into(),
            expires_at: now + LIFETIME,
        }
    }
}

/// Issues a reset token to whoever runs the server, for a person by login or e-mail address;
/// `None` when nobody is called so.
pub async fn operator_reset(
    store: &(impl SessionStore + ?Sized),
    login_or_email: &str,
    now: Timestamp,
) -> Result<Option<PasswordReset>, StoreError> {
    let Some(person) = store.find_login(login_or_email).await? else {
        return Ok(None);
    };
    let reset = PasswordReset::new(now);
    let new = NewReset {
        user_id: person.user_id,
        org_id: None,
        token_hash: hash(&reset.token),
        created_at: now,
        expires_at: reset.expires_at,
    };
    store.create_reset(new, None, By::operator(now)).await?;
    Ok(Some(reset))
}

impl Accounts {
    /// Issues a reset token for a member of the caller's organisation. Earlier ones stop working.
    ///
    /// `once` is given the token's end and may return what makes the call happen once; the
    /// answer kept there can't hold the token. Fails with [`AccountError::Forbidden`],
    /// [`AccountError::OwnerNeeded`], [`AccountError::MemberNotFound`], and with
    /// [`AccountError::MemberElsewhereToo`]: the owners of one organisation must not get into
    /// another through its member.
    pub async fn issue_reset(
        &self,
        caller: &Caller,
        user_id: UserId,
        once: impl FnOnce(Timestamp) -> Option<Idempotency>,
    ) -> Result<Once<PasswordReset>, AccountError> {
        caller.require(Permission::MembersManage)?;
        if caller.role != OrgRole::Owner {
            return Err(AccountError::OwnerNeeded);
        }
        let now = self.clock.now();
        let reset = PasswordReset::new(now);
        let new = NewReset {
            user_id,
            org_id: Some(caller.org_id),
            token_hash: hash(&reset.token),
            created_at: now,
            expires_at: reset.expires_at,
        };
        match self
            .store
            .create_reset(new, once(reset.expires_at), caller.by(self.clock.now()))
            .await?
        {
            Once::Done(CreateReset::Created) => Ok(Once::Done(reset)),
            Once::Done(CreateReset::NotAMember) => Err(AccountError::MemberNotFound),
            Once::Done(CreateReset::ElsewhereToo) => Err(AccountError::MemberElsewhereToo),
            Once::Replayed(answer) => Ok(Once::Replayed(answer)),
            Once::Conflict(conflict) => Ok(Once::Conflict(conflict)),
        }
    }

    /// Uses up a reset token: its person gets this password, and all their sessions end.
    ///
    /// Fails with [`AccountError::BadReset`] for a token that doesn't work, with
    /// [`AccountError::Invalid`], naming `new_password`, and with [`AccountError::Busy`].
    pub async fn reset_password(
        &self,
        token: &Secret,
        new: Secret,
        origin: Origin,
    ) -> Result<(), AccountError> {
        let mut checks = Checks::default();
        password::check(&mut checks, "new_password", new.expose());
        checks.finish()?;
        let (token_hash, now) = (hash(token), self.clock.now());
        // Hashing is dear, so nobody gets it for a guess.
        if !self.store.has_reset(token_hash, now).await? {
            return Err(AccountError::BadReset);
        }
        let new_hash = self.passwords.hash(new).await?;
        let by = By::new(Actor::Bearer, origin, now);
        let used = self.store.use_reset(token_hash, new_hash, now, by).await?;
        let user = used.ok_or(AccountError::BadReset)?;
        self.lookups.forget_person(user);
        Ok(())
    }
}

fn hash(token: &Secret) -> [u8; 32] {
    Sha256::digest(token.expose()).into()
}

#[cfg(test)]
mod tests;
