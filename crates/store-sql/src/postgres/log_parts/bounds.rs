//! What can be said of parts of the log by their bounds alone.

use uuid::Uuid;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long expired events wait at most to be dropped with their part instead of deleted one by
/// one: what a month's first runs wait for its last.
const PATIENCE_MS: i64 = 31 * DAY_MS;

/// How much the clocks of nodes may differ, which run ids are made by.
pub(super) const SKEW_MS: i64 = DAY_MS;

/// Ids of runs from one to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Range {
    pub(in super::super) from: Uuid,
    pub(in super::super) to: Uuid,
}

impl Range {
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// When the last run that can be in it began, in milliseconds since the Unix epoch: ids
    /// begin with it.
    pub(super) fn end_ms(self) -> i64 {
        i64::try_from(self.to.as_u128() >> 80).unwrap_or(i64::MAX)
    }

    /// Whether the retention of no organisation reaches into it.
    pub(super) fn is_past(self, longest_days: u32, now_ms: i64) -> bool {
        self.wait_ms(longest_days, now_ms) <= 0
    }

    /// Whether it can be dropped so soon that its events needn't be deleted one by one, or could
    /// have been dropped until lately, when a run that has not ended holds it up. They are kept
    /// for no more than the same time again.
    pub(super) fn is_soon_past(self, longest_days: u32, now_ms: i64) -> bool {
        let patience = PATIENCE_MS.min(i64::from(longest_days) * DAY_MS);
        (-patience..=patience).contains(&self.wait_ms(longest_days, now_ms))
    }

    fn wait_ms(self, longest_days: u32, now_ms: i64) -> i64 {
        let kept = i64::from(longest_days) * DAY_MS + SKEW_MS;
        self.end_ms().saturating_add(kept).saturating_sub(now_ms)
    }
}

/// Reads what PostgreSQL says of a partition's bounds; `None` for the one of all other rows.
pub(super) fn parse(bound: &str) -> Option<Range> {
    let (from, to) = bound
        .strip_prefix("FOR VALUES FROM (")?
        .split_once(" TO ")?;
    let id = |text: &str| Uuid::parse_str(text.split('\'').nth(1)?).ok();
    Some(Range {
        from: if from.starts_with("MINVALUE") {
            Uuid::nil()
        } else {
            id(from)?
        },
        to: id(to)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From one day since the epoch to before another.
    fn days(from: i64, to: i64) -> Range {
        let id = |day: i64| Uuid::from_u128(u128::try_from(day * DAY_MS).unwrap() << 80);
        Range {
            from: id(from),
            to: id(to),
        }
    }

    #[test]
    fn bounds_are_read() {
        let bound = "FOR VALUES FROM ('01ac0000-0000-0000-0000-000000000000') \
                     TO ('01ad0000-0000-0000-0000-000000000000')";
        let range = parse(bound).unwrap();
        assert_eq!(range.from.as_u128() >> 112, 0x01ac);
        assert_eq!(range.to.as_u128() >> 112, 0x01ad);
        let first = parse("FOR VALUES FROM (MINVALUE) TO ('01ad0000-0000-0000-0000-000000000000')");
        assert_eq!(first.unwrap().from, Uuid::nil());
        assert_eq!(parse("DEFAULT"), None);
    }

    #[test]
    fn neighbours_do_not_overlap() {
        assert!(!days(0, 31).overlaps(days(31, 59)));
        assert!(!days(31, 59).overlaps(days(0, 31)));
        assert!(days(0, 32).overlaps(days(31, 59)));
    }

    #[test]
    fn a_part_is_past_when_its_last_run_is_older_than_the_retention() {
        let month = days(0, 31);
        let on = |day| month.is_past(90, day * DAY_MS);
        assert!(!on(31 + 90));
        assert!(on(31 + 90 + 1), "a day for clocks that differ");
    }

    #[test]
    fn events_wait_for_their_part_while_that_is_soon() {
        let month = days(0, 31);
        let on = |days, day| month.is_soon_past(days, day * DAY_MS);
        assert!(on(90, 91), "the first run has expired, the last one soon");
        assert!(!on(90, 80), "an organisation of 60 days doesn't wait");
        assert!(on(90, 122), "it could be dropped now");
        assert!(!on(90, 122 + 32), "a live run holds it up");
        assert!(!on(1, 10), "a day's retention isn't stretched to a month");
        assert!(on(1, 32));
    }
}
