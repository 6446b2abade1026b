//! Whether tools have changed, from servers of 2026-07-28, which tell only those who ask.

use std::sync::atomic::Ordering;

use rmcp::model::{ProtocolVersion, ServerNotification, SubscriptionFilter};
use rmcp::service::{Peer, RoleClient};

use super::handler::Handler;

/// Listens in the background until the connection ends.
pub(super) fn follow(peer: &Peer<RoleClient>, handler: &Handler) {
    let Some(server) = peer.peer_info() else {
        return;
    };
    let tells = server.capabilities.tools.as_ref();
    let tells = tells.is_some_and(|tools| tools.list_changed == Some(true));
    if !tells || server.protocol_version < ProtocolVersion::V_2026_07_28 {
        return;
    }
    tokio::spawn(listen(peer.clone(), handler.clone()));
}

/// A subscription that ends, for whatever reason, isn't opened again: the list counts as old
/// from then on, and each call asks for it.
async fn listen(peer: Peer<RoleClient>, handler: Handler) {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let listening = async {
        let mut subscription = peer.listen(filter).await?;
        while let Some(news) = subscription.next().await? {
            if matches!(news, ServerNotification::ToolListChangedNotification(_)) {
                handler.tools_changed();
            }
        }
        Ok::<_, rmcp::service::ServiceError>(())
    };
    let ended = tokio::select! {
        ended = listening => ended,
        () = handler.fault.happened() => return,
    };
    tracing::debug!(
        ?ended,
        "a server of tools tells no more whether they change"
    );
    handler.deaf.store(true, Ordering::Relaxed);
}
