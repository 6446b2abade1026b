/// Takes turns: the first of each list, then the second of each, up to `limit` in all.
pub fn take_turns<T>(lists: impl IntoIterator<Item = Vec<T>>, limit: usize) -> Vec<T> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut taken = Vec::new();
    while !lists.is_empty() && taken.len() < limit {
        lists.retain_mut(|list| match list.next() {
            Some(next) if taken.len() < limit => {
                taken.push(next);
                true
            }
            Some(_) | None => false,
        });
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_wait_for_short_ones() {
        let lists = || [vec![1, 2, 3, 4], vec![10], vec![], vec![20, 21]];
        assert_eq!(take_turns(lists(), 5), [1, 10, 20, 2, 21]);
        assert_eq!(take_turns(lists(), 2), [1, 10]);
        assert_eq!(take_turns(lists(), 9), [1, 10, 20, 2, 21, 3, 4]);
        assert!(take_turns(lists(), 0).is_empty());
    }
}
