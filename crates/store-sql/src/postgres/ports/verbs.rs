//! How the ports' methods get at a connection. A lane of the API role has its scope in brackets.

/// A read, on a connection of the lane. Dropping it half-way is harmless. A lane of the API role
/// has the scope in brackets.
macro_rules! read {
    ($store:expr, $lane:ident($scope:expr), $topic:ident::$query:ident($($argument:expr),* $(,)?)) => {{
        let mut lent = $store.lanes.$lane($scope).await?;
        let patience = lent.patience;
        let read = async { $topic::$query(&mut lent.begin(), $($argument),*).await };
        let outcome = tokio::time::timeout(patience, read).await;
        lent.settle(outcome).map_err(error::of)
    }};
    ($store:expr, $lane:ident, $topic:ident::$query:ident($($argument:expr),* $(,)?)) => {{
        let mut lent = $store.lanes.$lane().await?;
        let patience = lent.patience();
        let read = $topic::$query(&mut lent, $($argument),*);
        let outcome = tokio::time::timeout(patience, read).await;
        lent.settle(outcome).map_err(error::of)
    }};
}

/// Work that makes its own transactions, run to its end on a connection of the lane.
macro_rules! lend {
    ($store:expr, $lane:ident($scope:expr), $lent:ident => $work:expr) => {{
        let (lanes, scope) = ($store.lanes.clone(), Scope::from($scope));
        $store
            .spawn(async move {
                let mut borrowed = lanes.$lane(scope).await?;
                lend!(borrowed, $lent => $work)
            })
            .await
    }};
    ($store:expr, $lane:ident, $lent:ident => $work:expr) => {{
        let lanes = $store.lanes.clone();
        $store
            .spawn(async move {
                let mut borrowed = lanes.$lane().await?;
                lend!(borrowed, $lent => $work)
            })
            .await
    }};
    ($borrowed:ident, $lent:ident => $work:expr) => {{
        let $lent = $borrowed.lent();
        let outcome = tokio::time::timeout($lent.patience, async { $work }).await;
        $borrowed.settle(outcome)
    }};
}

/// A write without a transaction of its own, run to its end on a connection of the lane.
macro_rules! write {
    ($store:expr, $lane:ident($scope:expr), $c:ident => $work:expr) => {
        lend!($store, $lane($scope), lent => {
            let mut open = lent.begin();
            let $c = &mut *open;
            let done = $work?;
            open.commit().await?;
            Ok(done)
        })
    };
    ($store:expr, $lane:ident, $c:ident => $work:expr) => {{
        let lanes = $store.lanes.clone();
        $store
            .spawn(async move {
                let mut lent = lanes.$lane().await?;
                let patience = lent.patience();
                let $c = &mut *lent;
                let outcome = tokio::time::timeout(patience, async { $work }).await;
                lent.settle(outcome)
            })
            .await
    }};
}

/// A transaction, run to its end on a connection of the lane.
macro_rules! decide {
    ($store:expr, $lane:ident($scope:expr), $given:expr,
        |$c:ident, $borrowed:pat_param| $work:expr) => {{
        // The scope is of what is given away next.
        let scope = Scope::from($scope);
        let mut given = $given;
        lend!($store, $lane(scope), lent => {
            transaction(lent, &mut given, |$c, $borrowed| $work.boxed()).await
        })
    }};
    ($store:expr, $lane:ident, $given:expr, |$c:ident, $borrowed:pat_param| $work:expr) => {{
        let mut given = $given;
        lend!($store, $lane, lent => {
            transaction(lent, &mut given, |$c, $borrowed| $work.boxed()).await
        })
    }};
}
