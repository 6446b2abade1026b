use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::permission::UnknownName;
use crate::{BudgetId, Timestamp};

/// Whose spending a budget bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// All runs of the organisation.
    Organisation,
    /// The runs of a person, by whatever key.
    User,
    /// The runs that are started with an API key.
    ApiKey,
    /// The runs of a persona, in all its versions.
    Persona,
    /// The runs of a thread.
    Thread,
}

impl BudgetScope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Organisation,
        Self::User,
        Self::ApiKey,
        Self::Persona,
        Self::Thread,
    ];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Persona => "persona",
            Self::Thread => "thread",
        }
    }
}

impl FromStr for BudgetScope {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// The time for which a budget lasts, by the calendar of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl BudgetPeriod {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// When the period that holds `moment` began.
    pub fn start(self, moment: Timestamp) -> Timestamp {
        let days_back = match self {
            Self::Day => 0,
            Self::Month => moment.day_of_month() - 1,
        };
        let day = moment.start_of_day();
        let back = Duration::from_hours(24) * u32::from(days_back);
        Timestamp::from_micros(day.as_micros() - back.as_micros() as i64)
    }
}

impl FromStr for BudgetPeriod {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|period| period.as_str() == text)
            .ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// Names a budget to whoever it has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetName {
    /// The budget.
    pub budget_id: BudgetId,
    /// What kind of thing it is for.
    pub scope: BudgetScope,
    /// Which one: an id, or a persona's key; absent for the organisation.
    pub scope_id: Option<String>,
    /// How long it lasts.
    pub period: BudgetPeriod,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_midnight_utc() {
        let start = |period: BudgetPeriod, text: &str| {
            let moment: Timestamp = text.parse().unwrap();
            period.start(moment).to_string()
        };
        let late = "2024-02-29T23:59:59.999Z";
        assert_eq!(start(BudgetPeriod::Day, late), "2024-02-29T00:00:00.000Z");
        assert_eq!(start(BudgetPeriod::Month, late), "2024-02-01T00:00:00.000Z");
        let first = "2026-01-01T00:00:00.000Z";
        assert_eq!(start(BudgetPeriod::Day, first), first);
        assert_eq!(start(BudgetPeriod::Month, first), first);
        let east = "2026-03-01T01:00:00+02:00";
        assert_eq!(start(BudgetPeriod::Month, east), "2026-02-01T00:00:00.000Z");
    }

    #[test]
    fn names_round_trip() {
        for scope in BudgetScope::ALL {
            assert_eq!(scope.as_str().parse::<BudgetScope>().unwrap(), scope);
        }
        for period in BudgetPeriod::ALL {
            assert_eq!(period.as_str().parse::<BudgetPeriod>().unwrap(), period);
        }
        assert!("year".parse::<BudgetPeriod>().is_err());
    }
}
