use std::fmt;

use runloom_domain::{OrgId, Persona, PersonaId, Timestamp, UserId};

use crate::{Idempotency, StoredAnswer};

/// What a version shall be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonaVersion {
    /// By its number.
    Next,
    /// As somebody wants. A name that is a number also is the version's number, and so must be
    /// higher than all before.
    Named(String),
}

/// Which persona a version is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonaTarget {
    /// One that isn't there yet, under this id.
    New(PersonaId),
    /// One that is there, whose newest version has this number, if one is given.
    Existing(Option<u64>),
}

/// Makes the answer that is kept for repeats, of the version as it will be.
pub type PersonaAnswer = Box<dyn Fn(&PersonaRecord) -> StoredAnswer + Send + Sync>;

/// A version of a persona to be stored.
pub struct NewPersona {
    /// Its organisation.
    pub org_id: OrgId,
    /// Whether the persona is there already.
    pub target: PersonaTarget,
    /// What the version shall be called.
    pub version: PersonaVersion,
    /// The persona; the version in its id isn't looked at.
    pub persona: Persona,
    /// Whether the persona is the organisation's default one; absent leaves it as it is.
    pub is_default: Option<bool>,
    /// Who writes it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Makes it happen once. The answer in it isn't looked at: the version is known only inside
    /// the transaction.
    pub once: Option<Idempotency>,
    /// Makes that answer.
    pub answer: PersonaAnswer,
}

impl fmt::Debug for NewPersona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPersona")
            .field("org_id", &self.org_id)
            .field("key", &self.persona.id.key)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A version of a persona as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonaRecord {
    /// Its organisation.
    pub org_id: OrgId,
    /// The persona's id, the same for all its versions.
    pub persona_id: PersonaId,
    /// The persona with its version.
    pub persona: Persona,
    /// The version's number; later ones have higher ones.
    pub number: u64,
    /// Whether the persona is the organisation's default one.
    pub is_default: bool,
    /// When the persona was made.
    pub created_at: Timestamp,
    /// Who wrote the version.
    pub updated_by: UserId,
    /// When the version was written.
    pub updated_at: Timestamp,
}

/// What became of a version of a persona that was to be stored.
#[derive(Clone, Debug, PartialEq)]
pub enum WritePersona {
    /// It is there.
    Written(Box<PersonaRecord>),
    /// The organisation has a persona of that key already.
    KeyTaken,
    /// The persona has, or had, a version of that name, or one with a higher number.
    VersionTaken,
    /// The persona has a newer version.
    Stale,
    /// There is no such persona.
    Absent,
}

/// What became of a persona that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePersona {
    /// It is gone.
    Deleted,
    /// It has a newer version.
    Stale,
    /// There is no such persona.
    Absent,
}

/// What is stored of a persona besides its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonaHead {
    /// Its id.
    pub persona_id: PersonaId,
    /// The number of its last version.
    pub last_number: u64,
    /// Whether it is the organisation's default one.
    pub is_default: bool,
    /// Whether it has been deleted: only the names of its versions count then.
    pub is_deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The version that `new` makes of a persona, or what is in its way. Whether its name is free is
/// for the caller to see.
pub fn next_version(
    new: &NewPersona,
    before: Option<PersonaHead>,
) -> Result<PersonaRecord, WritePersona> {
    let last = before.map_or(0, |head| head.last_number);
    let (persona_id, created_at, is_default) =
        match (new.target, before.filter(|head| !head.is_deleted)) {
            (PersonaTarget::New(_), Some(_)) => return Err(WritePersona::KeyTaken),
            (PersonaTarget::New(id), None) => (id, new.created_at, false),
            (PersonaTarget::Existing(_), None) => return Err(WritePersona::Absent),
            (PersonaTarget::Existing(seen), Some(head)) => {
                if seen.is_some_and(|seen| seen != last) {
                    return Err(WritePersona::Stale);
                }
                (head.persona_id, head.created_at, head.is_default)
            }
        };
    let (number, name) = next_number(last, &new.version).ok_or(WritePersona::VersionTaken)?;
    let mut persona = new.persona.clone();
    persona.id.version = name;
    Ok(PersonaRecord {
        org_id: new.org_id,
        persona_id,
        persona,
        number,
        is_default: new.is_default.unwrap_or(is_default),
        created_at,
        updated_by: new.created_by,
        updated_at: new.created_at,
    })
}

/// The number and the name of a version after the one with the number `last`; `None` when the
/// wanted name is a number that isn't higher.
fn next_number(last: u64, wanted: &PersonaVersion) -> Option<(u64, String)> {
    let next = last + 1;
    match wanted {
        PersonaVersion::Next => Some((next, next.to_string())),
        PersonaVersion::Named(name) => match name.parse::<u32>() {
            Ok(number) if number.to_string() == *name => {
                (u64::from(number) > last).then(|| (u64::from(number), name.clone()))
            }
            _ => Some((next, name.clone())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_a_number_has_that_number() {
        let after_two = |name: &str| next_number(2, &PersonaVersion::Named(name.to_owned()));
        assert_eq!(
            next_number(2, &PersonaVersion::Next),
            Some((3, "3".to_owned()))
        );
        assert_eq!(after_two("7"), Some((7, "7".to_owned())));
        assert_eq!(after_two("winter"), Some((3, "winter".to_owned())));
        assert_eq!(after_two("03"), Some((3, "03".to_owned())));
        assert_eq!(after_two("2"), None);
        assert_eq!(after_two("0"), None);
    }
}
