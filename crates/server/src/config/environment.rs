use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};

/// What all our variables begin with.
const PREFIX: &str = "RUNLOOM_";

/// Beginnings of variables that are read elsewhere: by the developer tasks, by the tests, and
/// by the faults of a build for tests.
const ELSEWHERE: &[&str] = &[
    "RUNLOOM_TEST_",
    "RUNLOOM_PARTS",
    #[cfg(feature = "failpoints")]
    "RUNLOOM_PLANTED_BUG",
];

/// The process's environment, read once. It remembers what was asked for, so that a variable
/// that nobody asks for, which is most likely a typing error, can be refused.
#[derive(Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    known: BTreeSet<String>,
}

impl Environment {
    /// The environment of this process. Variables that aren't UTF-8 are refused if they are
    /// ours, else left out.
    pub fn of_process() -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    values.insert(name, value);
                }
                Err(_) if name.starts_with(PREFIX) => bail!("{name} is not UTF-8"),
                Err(_) => {}
            }
        }
        Ok(Self::from_iter(values))
    }

    /// The value of a variable; an empty one counts as absent.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.known.insert(name.to_owned());
        self.values
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    /// The value of a variable as something else than text.
    pub(super) fn parsed<T>(&mut self, name: &str) -> Result<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|error| anyhow!("{name}={text}: {error}"))
            })
            .transpose()
    }

    /// Replaces `target` when the variable is there.
    pub(super) fn replace<T>(&mut self, name: &str, target: &mut T) -> Result<()>
    where
        T: FromStr<Err: Display>,
    {
        if let Some(value) = self.parsed(name)? {
            *target = value;
        }
        Ok(())
    }

    /// Whether a variable says 1 or 0; anything else is an error.
    pub(super) fn switch(&mut self, name: &str, target: &mut bool) -> Result<()> {
        match self.text(name).as_deref() {
            None => {}
            Some("1") => *target = true,
            Some("0") => *target = false,
            Some(other) => bail!("{name}={other}: neither 0 nor 1"),
        }
        Ok(())
    }

    /// A secret that a setting names by the variable that holds it.
    pub(super) fn secret(&mut self, name: &str, wanted_by: &str) -> Result<String> {
        self.text(name)
            .with_context(|| format!("{wanted_by} wants its key in {name}, which is not set"))
    }

    /// The variables that were asked for so far.
    #[cfg(test)]
    pub(super) fn asked_for(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(String::as_str)
    }

    /// An error when a variable of ours is set that no setting has asked for.
    pub(super) fn refuse_unknown(&self) -> Result<()> {
        let stranger = self.values.keys().find(|name| {
            name.starts_with(PREFIX)
                && !self.known.contains(*name)
                && !ELSEWHERE.iter().any(|known| name.starts_with(known))
        });
        match stranger {
            Some(name) => bail!("{name} is no setting; docs/configuration.md lists all of them"),
            None => Ok(()),
        }
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self {
            values: values.into_iter().collect(),
            known: BTreeSet::new(),
        }
    }
}
