use std::str::FromStr;

use crate::UnknownName;

/// Whose runs the members of an organisation see who don't manage it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunVisibility {
    /// Everybody's.
    #[default]
    Org,
    /// Their own.
    Own,
}

impl RunVisibility {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Org, Self::Own];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Org => "org",
            Self::Own => "own",
        }
    }
}

impl FromStr for RunVisibility {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let mut known = Self::ALL.into_iter();
        let found = known.find(|visibility| visibility.as_str() == text);
        found.ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// What stands behind an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserKind {
    /// A person, who signs in.
    Person,
    /// A program of one organisation, which has API keys and nothing else.
    Service,
}

impl UserKind {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Person, Self::Service];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

impl FromStr for UserKind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let mut known = Self::ALL.into_iter();
        let found = known.find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownName(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for visibility in RunVisibility::ALL {
            assert_eq!(visibility.as_str().parse(), Ok(visibility));
        }
        for kind in UserKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("all".parse::<RunVisibility>().is_err());
        assert!("robot".parse::<UserKind>().is_err());
    }
}
