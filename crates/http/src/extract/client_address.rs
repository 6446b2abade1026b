use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;

/// Where a request comes from, for what is counted by address: whoever holds the connection.
pub(crate) fn client_address(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map(|peer| peer.ip());
    // Only a socket without addresses has none, and then all clients are one.
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}
