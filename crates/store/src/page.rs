use runloom_domain::Timestamp;
use uuid::Uuid;

/// Where a page begins: after this row in the order `created_at desc, id desc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageKey {
    /// The row's time.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: Uuid,
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
