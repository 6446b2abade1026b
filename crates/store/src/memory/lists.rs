use std::cmp::Reverse;

use crate::{Page, PageKey, Paged};

/// One page of `items`, newest first by their keys.
pub(super) fn newest_first<T>(items: Vec<T>, page: Page, key: impl Fn(&T) -> PageKey) -> Paged<T> {
    in_order(items, page, key, |key| (key.created_at, key.id))
}

/// One page of `items`, the greatest first.
pub(super) fn in_order<T, K: Ord>(
    mut items: Vec<T>,
    page: Page,
    key: impl Fn(&T) -> PageKey,
    order: impl Fn(PageKey) -> K,
) -> Paged<T> {
    items.retain(|item| {
        page.before
            .is_none_or(|before| order(key(item)) < order(before))
    });
    items.sort_by_key(|item| Reverse(order(key(item))));
    items.truncate(page.limit as usize + 1);
    Paged::from_surplus(items, page.limit, key)
}
