//! Who is behind a proxy.
//!
//! Each proxy appends the address that it got a request from, so that only what trusted proxies
//! have appended can be believed: from the right to the first address that isn't one of theirs.
//! What stands left of it a client may have made up.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The address of the client whose request came from `peer`.
///
/// A proxy commonly writes one of the two headers and passes the other on as a client has sent
/// it. So when both are there and don't agree, neither is believed.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    if !is_in(trusted, peer) {
        return peer;
    }
    let first_stranger = |hops: Option<Vec<Option<IpAddr>>>| {
        let hops = hops?;
        Some(before(peer, &hops, trusted))
    };
    let plain = first_stranger(hops(headers, &X_FORWARDED_FOR, in_list));
    let named = first_stranger(hops(headers, &FORWARDED, in_elements));
    match (plain, named) {
        (Some(plain), Some(named)) if plain != named => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

/// The last address that isn't trusted; the first of all when all are. Beyond something that is
/// no address nothing can be told.
fn before(peer: IpAddr, hops: &[Option<IpAddr>], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        match hop {
            Some(address) if is_in(trusted, *address) => client = *address,
            Some(address) => return *address,
            None => return client,
        }
    }
    client
}

fn is_in(ranges: &[IpNet], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}

/// What all lines of a header say, in their order; `None` when there are none.
fn hops(
    headers: &HeaderMap,
    name: &HeaderName,
    read: fn(&str) -> Vec<Option<IpAddr>>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut lines = headers.get_all(name).peekable();
    lines.peek()?;
    let lines = lines.map(|line| line.to_str().map_or(vec![None], read));
    Some(lines.flatten().collect())
}

/// `X-Forwarded-For`: addresses with commas between.
fn in_list(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(address).collect()
}

/// `Forwarded` (RFC 7239): elements of pairs, of which `for` counts.
///
/// A quotation mark that a client has left open would swallow what proxies append. So a line
/// with an odd number of them says nothing, and neither does one with an escape, which no
/// address has.
fn in_elements(line: &str) -> Vec<Option<IpAddr>> {
    if line.contains('\\') || !line.matches('"').count().is_multiple_of(2) {
        return vec![None];
    }
    let elements = split_outside_quotes(line, ',').into_iter();
    elements.map(in_element).collect()
}

fn in_element(element: &str) -> Option<IpAddr> {
    let pairs = split_outside_quotes(element, ';').into_iter();
    let mut values = pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    });
    let (value, None) = (values.next()?.trim(), values.next()) else {
        return None;
    };
    let quoted = value.strip_prefix('"');
    match quoted.and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => address(inner),
        None => address(value),
    }
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|letter| {
        quoted ^= letter == '"';
        !quoted && letter == separator
    })
    .collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|both| both.ip());
    let bracketed = || bracketed().map(IpAddr::V6);
    bare.or_else(bracketed)
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    /// Who the client is when the peer sends these header lines, and 10/8 and fd00::/8 are ours.
    fn from(peer: &str, lines: &[(&'static str, &'static str)]) -> String {
        let request = lines.iter().fold(TestRequest::default(), |request, line| {
            request.append_header(*line)
        });
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|range| range.parse().unwrap());
        let request = request.to_http_request();
        client(peer.parse().unwrap(), request.headers(), &trusted).to_string()
    }

    fn listed(lines: &[&'static str]) -> String {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("x-forwarded-for", *line))
            .collect();
        from(PROXY, &lines)
    }

    fn named(line: &'static str) -> String {
        from(PROXY, &[("forwarded", line)])
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let said = [("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(from("203.0.113.9", &said), "203.0.113.9");
        assert_eq!(from("2001:db8::9", &said), "2001:db8::9");
        assert_eq!(from(PROXY, &[]), PROXY);
    }

    #[test]
    fn what_stands_left_of_the_first_stranger_is_made_up() {
        assert_eq!(listed(&["203.0.113.9"]), "203.0.113.9");
        assert_eq!(listed(&["1.1.1.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            listed(&["10.9.9.9,1.1.1.1 ,203.0.113.9, 10.0.0.2,10.0.0.3"]),
            "203.0.113.9"
        );
        assert_eq!(listed(&["1.1.1.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(listed(&["1.1.1.1, 203.0.113.9", "10.0.0.2"]), "203.0.113.9");
        // Inside the operator's own network the first of all is the client.
        assert_eq!(listed(&["10.7.7.7, 10.0.0.2"]), "10.7.7.7");
    }

    #[test]
    fn addresses_are_read_in_all_forms() {
        assert_eq!(listed(&["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(listed(&["2001:db8::9"]), "2001:db8::9");
        assert_eq!(listed(&["[2001:db8::9]"]), "2001:db8::9");
        assert_eq!(listed(&["[2001:db8::9]:4711, fd00::1"]), "2001:db8::9");
        assert_eq!(listed(&["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(listed(&["203.0.113.9, ::ffff:10.0.0.7"]), "203.0.113.9");
    }

    #[test]
    fn beyond_junk_nothing_is_told() {
        for junk in [
            "",
            "unknown",
            "_hidden",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4:99999",
            "[::1",
            "[1.2.3.4]",
            "fe80::1%eth0",
            "for=1.1.1.1",
            "\"1.1.1.1\"",
            "1.1.1.1 2.2.2.2",
        ] {
            assert_eq!(listed(&[junk]), PROXY, "{junk:?}");
            assert_eq!(
                listed(&["1.1.1.1", junk, "10.0.0.2"]),
                "10.0.0.2",
                "{junk:?}"
            );
        }
        let beyond_ascii = TestRequest::default().append_header((
            "x-forwarded-for",
            actix_web::http::header::HeaderValue::from_bytes(b"1.1.1.1\xff").unwrap(),
        ));
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let beyond_ascii = beyond_ascii.to_http_request();
        let peer = PROXY.parse().unwrap();
        assert_eq!(client(peer, beyond_ascii.headers(), &trusted), peer);
    }

    #[test]
    fn the_standard_header_is_read_too() {
        assert_eq!(named("for=203.0.113.9"), "203.0.113.9");
        assert_eq!(
            named("for=1.1.1.1, For=\"[2001:db8::9]:4711\";proto=https;by=10.0.0.1"),
            "2001:db8::9"
        );
        assert_eq!(
            named("proto=http;for=203.0.113.9:80, for=10.0.0.2"),
            "203.0.113.9"
        );
        assert_eq!(
            named("for=203.0.113.9;host=\"a,b;for=1.1.1.1\""),
            "203.0.113.9"
        );
    }

    #[test]
    fn a_client_cannot_swallow_what_the_proxy_appends() {
        assert_eq!(named("for=\"1.1.1.1, for=203.0.113.9"), PROXY);
        assert_eq!(named("for=\"1.1.1.1\\\", for=203.0.113.9"), PROXY);
        assert_eq!(named("for=\"1.1.1.1, for=\"[2001:db8::9]\""), PROXY);
        assert_eq!(named("for=1.1.1.1;for=2.2.2.2"), PROXY);
        assert_eq!(named("proto=https"), PROXY);
        assert_eq!(named("for=_secret, for=10.0.0.2"), "10.0.0.2");
    }

    #[test]
    fn headers_that_differ_are_both_not_believed() {
        let both = |plain, named| from(PROXY, &[("x-forwarded-for", plain), ("forwarded", named)]);
        assert_eq!(both("203.0.113.9", "for=1.1.1.1"), PROXY);
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
    }
}
