use std::net::{IpAddr, Ipv4Addr};

use actix_web::{HttpRequest, web};
use runloom_store::Origin;

use crate::forwarded;
use crate::middleware::trace_of;
use crate::state::HttpState;

/// Where a request comes from, for the audit log.
pub(crate) fn origin(request: &HttpRequest) -> Origin {
    Origin {
        address: Some(client_address(request)),
        trace_id: Some(trace_of(request)),
    }
}

/// Where a request comes from, for what is counted by address and for the log: whoever holds the
/// connection, or, if that is a proxy that the operator trusts, who the proxy says it is.
pub(crate) fn client_address(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    // Only a socket without addresses has none, and then all clients are one.
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    match request.app_data::<web::Data<HttpState>>() {
        Some(state) => {
            forwarded::client(peer, request.headers(), &state.settings().trusted_proxies)
        }
        None => peer,
    }
}
