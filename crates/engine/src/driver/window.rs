//! How much of a thread a provider is shown.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use runloom_domain::{Message, MessageBody, Role, RunId, ToolCallId};

use super::history::size;

/// Takes a thread's messages from the newest on, as long as they fit into so many bytes.
///
/// It is cut between steps only, so that no call loses a result. Two things stay whatever they
/// take: the newest step, without which the model would do the same again, and the question
/// that it works on: the run's own, else the newest of a person.
pub(super) struct Window<M> {
    run: RunId,
    limit: usize,
    bytes: usize,
    /// From the newest to the oldest.
    kept: Vec<M>,
    /// Results whose call is still to come.
    open: BTreeSet<ToolCallId>,
    /// How many of `kept` are whole steps.
    whole: usize,
    /// Whether nothing more fits; then only the question is looked for.
    full: bool,
    question: Option<M>,
}

impl<M: Borrow<Message>> Window<M> {
    pub(super) fn new(run: RunId, limit: usize) -> Self {
        Self {
            run,
            limit,
            bytes: 0,
            kept: Vec::new(),
            open: BTreeSet::new(),
            whole: 0,
            full: false,
            question: None,
        }
    }

    /// Whether older messages are of use.
    pub(super) fn wants_more(&self) -> bool {
        !self.full || !self.has_own_question()
    }

    /// Takes the next older message.
    pub(super) fn take(&mut self, message: M) {
        if !self.full {
            if self.whole == 0 || self.bytes + size(message.borrow()) <= self.limit {
                return self.keep(message);
            }
            self.full = true;
            for dropped in self.kept.split_off(self.whole) {
                self.look_at(dropped);
            }
        }
        self.look_at(message);
    }

    /// The messages in order of position.
    pub(super) fn into_messages(mut self) -> Vec<M> {
        let asked = self.kept.iter().any(|kept| is_of_a_person(kept.borrow()));
        let question = self.question.take();
        let own = question
            .as_ref()
            .is_some_and(|q| q.borrow().run_id == Some(self.run));
        self.kept.extend(question.filter(|_| own || !asked));
        self.kept.reverse();
        self.kept
    }

    fn keep(&mut self, message: M) {
        self.bytes += size(message.borrow());
        match &message.borrow().body {
            MessageBody::Tool { tool_call_id, .. } => {
                self.open.insert(*tool_call_id);
            }
            MessageBody::Assistant { tool_calls, .. } => {
                for call in tool_calls {
                    self.open.remove(&call.tool_call_id);
                }
            }
            MessageBody::User { .. } => {}
        }
        self.kept.push(message);
        if self.open.is_empty() {
            self.whole = self.kept.len();
        }
    }

    /// Remembers a message that does not fit if it is the question.
    fn look_at(&mut self, message: M) {
        if is_of_a_person(message.borrow())
            && !self.has_own_question()
            && (self.question.is_none() || message.borrow().run_id == Some(self.run))
        {
            self.question = Some(message);
        }
    }

    fn has_own_question(&self) -> bool {
        let mut seen = self.kept.iter().chain(&self.question);
        seen.any(|message| {
            let message = message.borrow();
            is_of_a_person(message) && message.run_id == Some(self.run)
        })
    }
}

/// To how many bytes a conversation that is too long is to be cut: to half, unless that leaves
/// nothing out.
pub(super) fn shorter(run: RunId, messages: &[Message]) -> Option<u64> {
    let half = messages.iter().map(size).sum::<usize>() / 2;
    let mut window = Window::new(run, half);
    messages
        .iter()
        .rev()
        .for_each(|message| window.take(message));
    (window.into_messages().len() < messages.len()).then_some(half as u64)
}

fn is_of_a_person(message: &Message) -> bool {
    message.body.role() == Role::User
}

#[cfg(test)]
mod tests {
    use runloom_domain::Timestamp;

    use super::super::history::samples::{call, result, said};
    use super::*;

    fn id(n: i64) -> ToolCallId {
        ToolCallId::generate(Timestamp::from_micros(n))
    }

    fn run() -> RunId {
        RunId::generate(Timestamp::from_micros(1))
    }

    /// What is kept of messages that are given from the oldest to the newest: the role's first
    /// letter and the size of each.
    fn kept(run: RunId, limit: usize, messages: Vec<Message>) -> Vec<String> {
        let mut window = Window::new(run, limit);
        for message in messages.into_iter().rev() {
            if !window.wants_more() {
                break;
            }
            window.take(message);
        }
        let shown = |m: &Message| format!("{}{}", &m.body.role().as_str()[..1], size(m));
        window.into_messages().iter().map(shown).collect()
    }

    #[test]
    fn what_fits_is_kept() {
        let a = id(1);
        let whole = || vec![said(5), call(a), result(a, 7), said(6)];
        assert_eq!(kept(run(), 21, whole()), ["u5", "a3", "t7", "u6"]);
        assert_eq!(kept(run(), 20, whole()), ["a3", "t7", "u6"]);
        assert_eq!(kept(run(), 9, whole()), ["u6"]);
    }

    #[test]
    fn a_call_and_its_results_stay_together() {
        let (a, b) = (id(1), id(2));
        let steps = vec![said(1), call(a), result(a, 50), call(b), result(b, 50)];
        assert_eq!(kept(run(), 104, steps.clone()), ["u1", "a3", "t50"]);
        assert_eq!(kept(run(), 107, steps), ["u1", "a3", "t50", "a3", "t50"]);
    }

    #[test]
    fn the_newest_step_stays_whatever_it_takes() {
        let a = id(1);
        let step = vec![said(1), said(2), call(a), result(a, 5_000)];
        assert_eq!(kept(run(), 10, step), ["u2", "a3", "t5000"]);
        assert_eq!(kept(run(), 10, vec![said(4), said(5_000)]), ["u5000"]);
    }

    #[test]
    fn the_runs_own_question_stays() {
        let (run, a) = (run(), id(1));
        let mut own = said(3);
        own.run_id = Some(run);
        let steps = vec![said(1), own, said(2), said(4), call(a), result(a, 50)];
        assert_eq!(kept(run, 10, steps.clone()), ["u3", "a3", "t50"]);
        assert_eq!(kept(run, 57, steps), ["u3", "u4", "a3", "t50"]);
    }

    #[test]
    fn a_question_between_a_call_and_its_result_is_seen() {
        let (a, b) = (id(1), id(2));
        let steps = vec![call(a), said(2), result(a, 50), call(b), result(b, 1)];
        assert_eq!(kept(run(), 10, steps), ["u2", "a3", "t1"]);
    }

    #[test]
    fn a_conversation_is_cut_only_where_something_can_go() {
        let (a, b) = (id(1), id(2));
        let shorter = |messages: &[Message]| shorter(run(), messages);
        assert_eq!(shorter(&[said(80)]), None);
        assert_eq!(shorter(&[said(80), call(a), result(a, 9)]), None);
        let earlier = [said(40), said(7), call(a), result(a, 9)];
        assert_eq!(shorter(&earlier), Some(29));
        // What is long is the question.
        assert_eq!(
            shorter(&[said(80), call(b), result(b, 1), call(a), result(a, 9)]),
            None
        );
    }
}
