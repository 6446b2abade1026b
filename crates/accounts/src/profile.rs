//! What people change of themselves.

use std::net::IpAddr;

use runloom_store::{ChangePassword, LoginRecord, Rename, Renamed};

use crate::check::Checks;
use crate::password::Match;
use crate::{AccountError, Accounts, Caller, Me, Secret, password};

/// What a person wants to change of how they log in.
#[derive(Clone, Debug)]
pub struct ProfileChange {
    /// Another name to log in with.
    pub login: Option<String>,
    /// Another e-mail address.
    pub email: Option<String>,
    /// Their password, to be sure that it is them.
    pub current_password: Secret,
}

impl Accounts {
    /// Changes by which names the caller logs in.
    ///
    /// Fails with [`AccountError::PersonNeeded`] for an API key, with [`AccountError::Invalid`],
    /// naming `login` and `email`, with [`AccountError::WrongPassword`], with
    /// [`AccountError::Taken`], and as signing in does when there are too many attempts.
    pub async fn change_profile(
        &self,
        caller: &Caller,
        change: ProfileChange,
        from: IpAddr,
    ) -> Result<Me, AccountError> {
        caller.person()?;
        let mut checks = Checks::default();
        if let Some(login) = &change.login {
            checks.login(login);
        }
        if let Some(email) = &change.email {
            checks.email(email);
        }
        checks.finish()?;
        let known = self.confirm(caller, change.current_password, from).await?;
        let rename = Rename {
            user_id: caller.user_id,
            password_hash: known.password_hash,
            login: change.login,
            email: change.email,
        };
        let outcome = self
            .store
            .rename_user(rename, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_person(caller.user_id);
        match outcome {
            Renamed::Done => self.me(caller).await,
            Renamed::Taken => Err(AccountError::Taken),
            Renamed::Outdated => Err(AccountError::WrongPassword),
        }
    }

    /// Gives the caller another password. Their other sessions end; API keys stay.
    ///
    /// Fails with [`AccountError::PersonNeeded`] for an API key, with [`AccountError::Invalid`],
    /// naming `new_password`, with [`AccountError::WrongPassword`], and as signing in does when
    /// there are too many attempts.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Secret,
        new: Secret,
        from: IpAddr,
    ) -> Result<(), AccountError> {
        let keep = caller.person()?;
        let mut checks = Checks::default();
        password::check(&mut checks, "new_password", new.expose());
        checks.finish()?;
        let known = self.confirm(caller, current, from).await?;
        let change = ChangePassword {
            user_id: caller.user_id,
            old_hash: known.password_hash,
            new_hash: self.passwords.hash(new).await?,
            keep,
            at: self.clock.now(),
        };
        let changed = self
            .store
            .change_password(change, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_person(caller.user_id);
        if changed {
            Ok(())
        } else {
            Err(AccountError::WrongPassword)
        }
    }

    /// Makes sure that the caller knows their password. Wrong ones count as those of a login do.
    async fn confirm(
        &self,
        caller: &Caller,
        password: Secret,
        from: IpAddr,
    ) -> Result<LoginRecord, AccountError> {
        let attempt = self.throttle.admit(&caller.login, from)?;
        let known = self.store.login_of(caller.user_id).await?;
        let known = known.ok_or(AccountError::Unauthorized)?;
        let stored = Some(known.password_hash.clone());
        match self.passwords.verify(password, stored).await? {
            Ok(Match::Yes { .. }) => {
                attempt.succeeded();
                Ok(known)
            }
            Ok(Match::No) => {
                attempt.failed();
                Err(AccountError::WrongPassword)
            }
            Err(unreadable) => Err(unreadable.of(known.user_id)),
        }
    }
}

#[cfg(test)]
mod tests;
