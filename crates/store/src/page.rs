use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use runloom_domain::Timestamp;
use uuid::Uuid;

/// The first byte of a cursor, for the day when cursors look different.
const CURSOR_VERSION: u8 = 1;

/// The year 10000, which no row can have been made in; in microseconds.
const END_OF_TIME: i64 = 253_402_300_800_000_000;

/// Where a page begins: after this row in the order `created_at desc, id desc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageKey {
    /// The row's time.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: Uuid,
}

impl PageKey {
    /// The text that clients get, and send to go on.
    pub fn cursor(&self) -> String {
        let mut bytes = [CURSOR_VERSION; 25];
        bytes[1..9].copy_from_slice(&self.created_at.as_micros().to_be_bytes());
        bytes[9..].copy_from_slice(self.id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::cursor`] has written; nothing else is one.
    pub fn from_cursor(text: &str) -> Option<Self> {
        let bytes: [u8; 25] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (version, rest) = bytes.split_first()?;
        let (time, id) = rest.split_at(8);
        let micros = i64::from_be_bytes(time.try_into().ok()?);
        let fits = *version == CURSOR_VERSION && (0..END_OF_TIME).contains(&micros);
        fits.then_some(Self {
            created_at: Timestamp::from_micros(micros),
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

/// Which rows of a list are wanted, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// How many at most; at least 1.
    pub limit: u32,
    /// Only rows older than this one; rows that are added meanwhile can't shift the page.
    pub before: Option<PageKey>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Where the next page begins, `None` on the last.
    pub next: Option<PageKey>,
}

impl<T> Paged<T> {
    /// The same page of something that is made of each row.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
        }
    }

    /// Makes a page of rows that were read with `limit + 1`: the surplus row only tells that
    /// there is more.
    pub fn from_surplus(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> PageKey) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PageKey {
        PageKey {
            created_at: Timestamp::from_micros(1_767_225_600_123_456),
            id: Uuid::from_u128(7),
        }
    }

    #[test]
    fn cursors_round_trip() {
        assert_eq!(PageKey::from_cursor(&key().cursor()), Some(key()));
    }

    #[test]
    fn nothing_else_is_a_cursor() {
        let good = key().cursor();
        let late = PageKey {
            created_at: Timestamp::from_micros(i64::MAX),
            ..key()
        };
        let damaged = format!("B{}", &good[1..]);
        for bad in [
            "",
            "AAAA",
            &good[1..],
            &late.cursor(),
            &damaged,
            &format!("{good}="),
        ] {
            assert_eq!(PageKey::from_cursor(bad), None, "{bad:?}");
        }
    }
}
