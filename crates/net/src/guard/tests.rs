use std::net::SocketAddr;
use std::str::FromStr as _;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::*;

fn refusal(url: &str) -> String {
    let checked = Guard::new(Policy::default()).checked(url);
    checked.map_or_else(|refused| refused.to_string(), |url| url.to_string())
}

#[test]
fn a_url_is_judged_by_what_it_says_itself() {
    let same = ["https://example.com/a?b=c", "http://example.com:25/"];
    for url in same {
        assert_eq!(refusal(url), url);
    }
    let table = [
        ("no URL", "the URL can't be read"),
        ("http://", "the URL can't be read"),
        ("http://256.1.1.1/", "the URL can't be read"),
        ("ftp://example.com/", "the URL is neither http nor https"),
        ("file:///etc/passwd", "the URL is neither http nor https"),
        ("gopher://127.0.0.1/", "the URL is neither http nor https"),
        (
            "http://user@example.com/",
            "the URL has a user name or a password in it",
        ),
        (
            "http://:word@example.com/",
            "the URL has a user name or a password in it",
        ),
        (
            "http://10.0.0.1:8080/",
            "10.0.0.1 is a private address; the setting net.allow (RUNLOOM_NET_ALLOW) names \
             ranges that may be reached all the same",
        ),
    ];
    for (url, expected) in table {
        assert_eq!(refusal(url), expected, "{url}");
    }
}

#[test]
fn however_an_address_is_written_it_is_the_same() {
    let forms = [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http:\\\\127.0.0.1/",
        "http:/127.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
    ];
    for url in forms {
        assert!(refusal(url).contains(" is a loopback address"), "{url}");
    }
}

/// A resolver that gives every name these addresses.
struct Always(Vec<SocketAddr>);

impl Resolve for Always {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = self.0.clone();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

async fn resolved(addresses: &[&str]) -> Result<Vec<String>, String> {
    let addresses = addresses
        .iter()
        .map(|address| SocketAddr::new(address.parse().unwrap(), 0));
    let always = Arc::new(Always(addresses.collect()));
    let filtered = Filtered::new(always, Arc::default());
    let found = filtered.resolve(Name::from_str("two.faces").unwrap()).await;
    let found = found.map_err(|error| Refused::of(&*error).unwrap().to_string())?;
    Ok(found.map(|address| address.ip().to_string()).collect())
}

#[tokio::test]
async fn of_a_names_addresses_only_those_that_pass_are_left() {
    let mixed = resolved(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]).await;
    assert_eq!(mixed.unwrap(), ["8.8.8.8", "2606:4700::1"]);
    let none = resolved(&["10.0.0.1", "::1"]).await;
    assert_eq!(
        none.unwrap_err(),
        "two.faces has no address that may be reached"
    );
}
