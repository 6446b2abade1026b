//! Fewer actions that still bring the violation.

use super::Scheduled;

/// The parts that a shrinking leaves out one after the other: halves, then quarters, and so on.
pub(crate) struct Shrinking {
    kept: Vec<Scheduled>,
    parts: usize,
    next: usize,
}

impl Shrinking {
    pub(crate) const fn new(actions: Vec<Scheduled>) -> Self {
        Self {
            kept: actions,
            parts: 2,
            next: 0,
        }
    }

    /// The actions without the part whose turn it is; `None` when each single one has been tried.
    pub(crate) fn candidate(&mut self) -> Option<Vec<Scheduled>> {
        if self.next == self.parts.min(self.kept.len()) {
            if self.parts >= self.kept.len() {
                return None;
            }
            self.parts *= 2;
            self.next = 0;
        }
        let left_out = self.part();
        let mut actions = self.kept.clone();
        actions.drain(left_out);
        Some(actions)
    }

    /// Whether the candidate still failed: then it is what is kept from here on.
    pub(crate) fn tried(&mut self, still_fails: bool) {
        if still_fails {
            let left_out = self.part();
            self.kept.drain(left_out);
            self.parts = (self.parts - 1).max(2);
            self.next = 0;
        } else {
            self.next += 1;
        }
    }

    pub(crate) fn kept(&self) -> &[Scheduled] {
        &self.kept
    }

    fn part(&self) -> std::ops::Range<usize> {
        let (count, parts) = (self.kept.len(), self.parts.min(self.kept.len()).max(1));
        (count * self.next / parts)..(count * (self.next + 1) / parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::schedule::Action;

    #[test]
    fn one_guilty_action_is_found_among_many() {
        let all: Vec<Scheduled> = (0..37)
            .map(|at_ms| Scheduled {
                at_ms,
                action: Action::Cut { node: 0 },
            })
            .collect();
        let guilty = all[23].clone();
        let mut shrinking = Shrinking::new(all);
        let mut tries = 0;
        while let Some(candidate) = shrinking.candidate() {
            shrinking.tried(candidate.contains(&guilty));
            tries += 1;
            assert!(tries < 100);
        }
        assert_eq!(shrinking.kept(), [guilty]);
    }
}
