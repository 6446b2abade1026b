//! What tool calls under way tell their driver before they end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runloom_domain::event::ToolProgress;
use runloom_domain::{ToolCallId, text};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::port::tool::ProgressReport;

/// The time between two reports of a call that are shown: four a second.
const BETWEEN: Duration = Duration::from_millis(250);

/// The longest message of a report, in bytes.
const MAX_MESSAGE: usize = 1_024;

/// Where calls leave their newest report, and when each must have ended. Calls never wait here.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<Inner>);

#[derive(Default)]
struct Inner {
    calls: Mutex<BTreeMap<ToolCallId, Slot>>,
    told: Notify,
}

/// One call.
#[derive(Default)]
struct Slot {
    latest: Option<Instant>,
    newest: Option<ProgressReport>,
    /// Before this moment nothing more is shown.
    quiet_until: Option<Instant>,
}

impl Board {
    fn calls(&self) -> MutexGuard<'_, BTreeMap<ToolCallId, Slot>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins; what isn't on the board tells nothing.
    pub(super) fn add(&self, id: ToolCallId, latest: Instant) {
        let slot = Slot {
            latest: Some(latest),
            ..Slot::default()
        };
        self.calls().insert(id, slot);
    }

    /// When a call must have ended is known better.
    pub(super) fn set_latest(&self, id: ToolCallId, latest: Instant) {
        if let Some(slot) = self.calls().get_mut(&id) {
            slot.latest = Some(latest);
        }
        self.0.told.notify_one();
    }

    /// A call says how far it is. Figures that aren't numbers can't be shown.
    pub(super) fn report(&self, id: ToolCallId, report: ProgressReport) {
        let figures = [Some(report.done), report.total];
        if figures.into_iter().flatten().all(f64::is_finite)
            && let Some(slot) = self.calls().get_mut(&id)
        {
            slot.newest = Some(report);
        }
        self.0.told.notify_one();
    }

    pub(super) fn remove(&self, id: ToolCallId) {
        self.calls().remove(&id);
    }

    pub(super) fn clear(&self) {
        self.calls().clear();
    }

    /// When the first of the calls must have ended.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.calls().values().filter_map(|slot| slot.latest).min()
    }

    /// Waits until something can be shown, or the calls' ends are known better: then there may be
    /// nothing. Cancel safe.
    pub(super) async fn next(&self) -> Vec<ToolProgress> {
        let next = self.calls().values().filter_map(Slot::shown_at).min();
        match next {
            Some(at) => tokio::time::sleep_until(at).await,
            None => self.0.told.notified().await,
        }
        let now = Instant::now();
        let mut calls = self.calls();
        let due = calls
            .iter_mut()
            .filter_map(|(id, slot)| slot.take(*id, now));
        due.collect()
    }
}

impl Slot {
    fn shown_at(&self) -> Option<Instant> {
        let now = Instant::now;
        self.newest.as_ref()?;
        Some(self.quiet_until.unwrap_or_else(now))
    }

    fn take(&mut self, tool_call_id: ToolCallId, now: Instant) -> Option<ToolProgress> {
        if self.quiet_until.is_some_and(|until| until > now) {
            return None;
        }
        let report = self.newest.take()?;
        self.quiet_until = Some(now + BETWEEN);
        let short =
            |message: String| text::without_nul(text::prefix(&message, MAX_MESSAGE)).into_owned();
        Some(ToolProgress {
            tool_call_id,
            progress: report.done,
            total: report.total,
            message: report.message.map(short),
        })
    }
}

#[cfg(test)]
mod tests {
    use runloom_domain::Timestamp;

    use super::*;

    fn report(done: f64) -> ProgressReport {
        ProgressReport {
            done,
            total: None,
            message: Some("é".repeat(MAX_MESSAGE)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_many_reports_is_shown_four_times_a_second() {
        let (board, id) = (
            Board::default(),
            ToolCallId::generate(Timestamp::from_micros(1)),
        );
        board.add(id, Instant::now());
        let begun = Instant::now();
        let mut shown = Vec::new();
        board.report(id, report(1.0));
        shown.extend(board.next().await);
        for done in [2.0, f64::NAN, 3.0, f64::INFINITY] {
            board.report(id, report(done));
        }
        shown.extend(board.next().await);
        assert!(begun.elapsed() >= BETWEEN);
        let figures: Vec<f64> = shown.iter().map(|shown| shown.progress).collect();
        assert_eq!(figures, [1.0, 3.0]);
        assert!(shown[0].message.as_ref().unwrap().len() <= MAX_MESSAGE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_has_ended_tells_nothing() {
        let (board, id) = (
            Board::default(),
            ToolCallId::generate(Timestamp::from_micros(1)),
        );
        board.add(id, Instant::now());
        board.remove(id);
        board.report(id, report(1.0));
        assert_eq!(board.next().await, []);
        assert_eq!(board.latest(), None);
    }
}
