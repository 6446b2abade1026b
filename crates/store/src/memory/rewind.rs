use runloom_domain::{MessageBody, Role};

use super::state::Thread;
use crate::Rewind;

impl Thread {
    /// Where the message stands that a rewind goes back to: a person's and not hidden.
    pub(super) fn rewind_index(&self, rewind: &Rewind) -> Option<usize> {
        self.messages.iter().rposition(|posted| {
            let wanted = rewind
                .message_id
                .is_none_or(|wanted| wanted == posted.message.id);
            wanted && !posted.hidden && posted.message.body.role() == Role::User
        })
    }

    /// Hides what follows the message at `index` and gives it its new text, if there is one.
    pub(super) fn rewind(&mut self, index: usize, content: Option<String>) {
        if let Some(content) = content {
            self.messages[index].message.body = MessageBody::User { content };
        }
        for posted in &mut self.messages[index + 1..] {
            posted.hidden = true;
        }
    }
}
