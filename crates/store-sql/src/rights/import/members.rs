//! The people and service accounts that come with an organisation.

use runloom_domain::{OrgId, OrgRole, Timestamp, UserId, UserKind, is_email, is_login};
use runloom_store::{By, entries};

use super::super::form::{Made, Object, Part};
use super::super::session::{self, Argument, Row, Session};
use super::super::{RightsError, recorded};
use super::ImportOptions;
use super::filling::insert;
use crate::copy::image::{Image, Kind};
use crate::sqlite::name_key;

const BY_ID: &str = "SELECT login, email, kind FROM users WHERE user_id = $1";
const BY_NAME: &str = "SELECT user_id FROM user_names WHERE name_key = $1";
const ELSEWHERE: &str = "SELECT count(*) FROM memberships WHERE user_id = $1";
const ADD_NAME: &str = "INSERT INTO user_names (name_key, user_id) VALUES ($1, $2)
    ON CONFLICT DO NOTHING";
const OWN: &str = "INSERT INTO memberships (org_id, user_id, role, created_at)
    SELECT $1, $2, 'owner', created_at FROM orgs WHERE org_id = $1
    ON CONFLICT (org_id, user_id) DO UPDATE SET role = 'owner'";
const OWNERS: &str = "SELECT count(*) FROM memberships
    JOIN users ON users.user_id = memberships.user_id
    WHERE org_id = $1 AND role = 'owner' AND kind = 'person'";

/// Members as they come.
pub(super) struct Members<'a> {
    org: OrgId,
    options: &'a ImportOptions,
    left_out: Vec<String>,
}

impl<'a> Members<'a> {
    pub(super) const fn new(org: OrgId, options: &'a ImportOptions) -> Self {
        Self {
            org,
            options,
            left_out: Vec::new(),
        }
    }

    /// Adds a member: who is here under the same id, login and address joins; who isn't comes.
    pub(super) async fn take(
        &mut self,
        session: &mut Session,
        object: &'static Object,
        line: u64,
        row: Row,
    ) -> Result<(), RightsError> {
        let refused = |reason: String| RightsError::Line { line, reason };
        let said = |name: &str| object.place(name).and_then(|place| row.get(place));
        let text = |name: &str| said(name).and_then(Image::as_text).unwrap_or_default();
        let [login, email, kind] = ["login", "email", "kind"].map(text);
        let user = said("user_id").and_then(Image::as_id);
        let user = session::id(user.ok_or_else(|| refused("its user_id is no id".to_owned()))?);
        let names = match kind.parse() {
            Ok(UserKind::Person) => names(login, email),
            _ => Vec::new(),
        };
        let known = session
            .rows(BY_ID, std::slice::from_ref(&user), &[Kind::Text; 3])
            .await?;
        let are_names = is_login(login) && is_email(email);
        if !names.is_empty() && !are_names {
            return Err(refused("its login or address is none".to_owned()));
        }
        let is_known = !known.is_empty();
        if let Some(why) = stranger(session, known.first(), [login, email, kind], &user).await? {
            if self.options.without_known_logins {
                self.left_out.push(login.to_owned());
                return Ok(());
            }
            return Err(refused(format!("the account of {login} is here, {why}")));
        }
        if let Some(taken) = taken(session, &names, &user.1).await? {
            if self.options.without_known_logins {
                self.left_out.push(login.to_owned());
                return Ok(());
            }
            return Err(refused(format!(
                "{taken}, a name of the member {login}, is somebody else's here; with \
                 --without-known-logins such members are left out"
            )));
        }
        for part in object.parts.iter().filter(|part| part.has_org || !is_known) {
            let made = self.made(part, &names);
            let rows = std::slice::from_ref(&row);
            let added = insert(session, self.org, object, part, rows, vec![made]).await;
            added.map_err(|error| refused(error.to_string()))?;
        }
        for name in &names {
            let named = [session::text(name.as_str()), user.clone()];
            session.execute(ADD_NAME, &named).await?;
        }
        // Somebody may have registered in this very moment.
        match taken(session, &names, &user.1).await? {
            None => Ok(()),
            Some(taken) => Err(refused(format!("{taken} is somebody else's here"))),
        }
    }

    /// Service accounts, which have no names to log in with, have an empty password.
    fn made(&self, part: &Part, names: &[String]) -> Row {
        match (part.made, names) {
            (Made::Password, []) => vec![Image::text("")],
            (Made::Password, _) => vec![Image::text(self.options.no_password.as_str())],
            _ => Row::new(),
        }
    }

    /// Adds the owner from here, and sees that somebody owns the organisation. Returns who was
    /// left out.
    pub(super) async fn finish(
        self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Vec<String>, RightsError> {
        let org = session::id(self.org.as_uuid());
        if let Some(login) = &self.options.as_owner {
            let name = session::text(name_key(login));
            let found = session.rows(BY_NAME, &[name], &[Kind::Id]).await?;
            let user = found.into_iter().flatten().next();
            let user = user.and_then(|user| user.as_id());
            let user = user.ok_or_else(|| RightsError::NoUser(login.clone()))?;
            let user_id = UserId::from_uuid(user);
            let was = recorded::role_of(session, self.org, user_id).await?;
            session
                .execute(OWN, &[org.clone(), session::id(user)])
                .await?;
            if was != Some(OrgRole::Owner) {
                let entry = entries::made_owner(self.org, user_id, was);
                recorded::write(session, By::operator(now), entry).await?;
            }
        }
        if session.number(OWNERS, &[org]).await? == 0 {
            return Err(RightsError::Refused(
                "nobody would own the organisation; name somebody from here by --as-owner"
                    .to_owned(),
            ));
        }
        Ok(self.left_out)
    }
}

/// Why an account that is here can't join, if there is one and it can't.
async fn stranger(
    session: &mut Session,
    known: Option<&Row>,
    said: [&str; 3],
    user: &Argument,
) -> Result<Option<&'static str>, RightsError> {
    let Some(known) = known else {
        return Ok(None);
    };
    if known.as_slice() != said.map(Image::text) {
        return Ok(Some("and called otherwise"));
    }
    // The owner of the only organisation that somebody is in can give them another password.
    let elsewhere = session
        .number(ELSEWHERE, std::slice::from_ref(user))
        .await?;
    Ok((elsewhere == 0).then_some("and in no organisation"))
}

/// What a person logs in with, each name once.
fn names(login: &str, email: &str) -> Vec<String> {
    let mut names = [login, email].map(name_key).to_vec();
    names.sort();
    names.dedup();
    names
}

/// The first of the names that somebody else has.
async fn taken(
    session: &mut Session,
    names: &[String],
    user: &Image,
) -> Result<Option<String>, RightsError> {
    for name in names {
        let asked = [session::text(name.as_str())];
        let found = session.rows(BY_NAME, &asked, &[Kind::Id]).await?;
        if found.iter().flatten().any(|other| other != user) {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}
