//! Hints as short text, for carriers of text: words with spaces between. A word is
//! `<run>:<seq>`, `<run>!` for a cancel request, or `*` for free runs; ids are in hex without
//! hyphens. Words that a later version adds are passed over.

use std::fmt::Write as _;

use runloom_domain::RunId;
use uuid::Uuid;

use super::Hint;

/// Hints as messages of at most `max` bytes each, which must have room for one (60 bytes).
pub fn encode(hints: &[Hint], max: usize) -> Vec<String> {
    let mut messages = Vec::new();
    let mut message = String::new();
    let mut word = String::new();
    for hint in hints {
        word.clear();
        write(&mut word, *hint);
        if !message.is_empty() && message.len() + 1 + word.len() > max {
            messages.push(std::mem::take(&mut message));
        }
        if !message.is_empty() && !word.is_empty() {
            message.push(' ');
        }
        message.push_str(&word);
    }
    if !message.is_empty() {
        messages.push(message);
    }
    messages
}

fn write(text: &mut String, hint: Hint) {
    // Writing to a string can't fail.
    let _ = match hint {
        Hint::Log { run_id, last_seq } => write!(text, "{}:{last_seq}", run_id.as_uuid().simple()),
        Hint::Cancel { run_id } => write!(text, "{}!", run_id.as_uuid().simple()),
        Hint::Free => write!(text, "*"),
        // Whoever misses hints can't know which.
        Hint::Missed => Ok(()),
    };
}

/// The hints of a message.
pub fn decode(message: &str) -> Vec<Hint> {
    message.split(' ').filter_map(read).collect()
}

fn read(word: &str) -> Option<Hint> {
    if word == "*" {
        return Some(Hint::Free);
    }
    let run = |text: &str| Uuid::parse_str(text).ok().map(RunId::from_uuid);
    if let Some(id) = word.strip_suffix('!') {
        return run(id).map(|run_id| Hint::Cancel { run_id });
    }
    let (id, seq) = word.split_once(':')?;
    Some(Hint::Log {
        run_id: run(id)?,
        last_seq: seq.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use runloom_domain::Timestamp;

    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let run_id = RunId::generate(Timestamp::from_micros(1));
        let last_seq = u64::MAX;
        let hints = [
            Hint::Log { run_id, last_seq },
            Hint::Cancel { run_id },
            Hint::Free,
        ];
        let messages = encode(&hints, 1_000);
        assert_eq!(messages.len(), 1);
        assert_eq!(decode(&messages[0]), hints);
        let split = encode(&hints, 60);
        assert_eq!(split.len(), 2);
        assert!(split.iter().all(|message| message.len() <= 60));
        let read: Vec<_> = split.iter().flat_map(|message| decode(message)).collect();
        assert_eq!(read, hints);
        assert!(encode(&[], 60).is_empty());
        assert!(encode(&[Hint::Missed], 60).is_empty());
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let text = format!("?? x:1  * {}:-1 {}?", Uuid::nil(), Uuid::nil());
        assert_eq!(decode(&text), [Hint::Free]);
        assert!(decode("").is_empty());
    }
}
