use std::cmp::Reverse;

use crate::{Page, PageKey, Paged};

/// One page of `items`, newest first by their keys.
pub(super) fn newest_first<T>(
    mut items: Vec<T>,
    page: Page,
    key: impl Fn(&T) -> PageKey,
) -> Paged<T> {
    let order = |key: PageKey| (key.created_at, key.id);
    items.retain(|item| {
        page.before
            .is_none_or(|before| order(key(item)) < order(before))
    });
    items.sort_by_key(|item| Reverse(order(key(item))));
    items.truncate(page.limit as usize + 1);
    Paged::from_surplus(items, page.limit, key)
}
