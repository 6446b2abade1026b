//! What a person sees on standard output when the server starts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use runloom_accounts::FirstOwner;

use crate::config::Config;
use crate::console;

/// Says what a new installation is used with. To be called as soon as the owner is stored:
/// what isn't printed then is lost.
pub(crate) fn introduce(config: &Config, address: SocketAddr, owner: Option<&FirstOwner>) {
    if config.is_demo() {
        console::say(DEMO);
    }
    if let Some(owner) = owner {
        console::say(&first(owner, &url(address)));
    }
}

/// Says where the server listens.
pub(crate) fn greet(address: SocketAddr, owner: Option<&FirstOwner>) {
    let url = url(address);
    let hint = match owner {
        Some(_) => "",
        None => " (the API key was printed at the first start)",
    };
    console::say(&format!("Runloom listens on {url}{hint}"));
}

fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

const DEMO: &str = "\
No model is configured, so the scripted demo persona answers. For a real model set
RUNLOOM_MODEL_URL and RUNLOOM_MODEL (any OpenAI-compatible endpoint), or OPENAI_API_KEY.
";

fn first(owner: &FirstOwner, url: &str) -> String {
    let (login, password) = (&owner.login, owner.password.expose());
    let key = owner.api_key.expose();
    let authorization = format!("-H 'Authorization: Bearer {key}'");
    format!(
        "\
This is the first start: there is a new owner, `{login}`, with the password
  {password}
and with this API key, which can do everything. Neither is shown again.

{key}

Make a thread, start a run in it, and follow the run:

THREAD=$(curl -sS -X POST {url}/v1/threads {authorization} | sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/')
RUN=$(curl -sS {url}/v1/threads/$THREAD/runs {authorization} -H 'Content-Type: application/json' -d '{{\"input\":\"Hello! What can you do?\"}}' | sed 's/.*\"run_id\":\"\\([^\"]*\\)\".*/\\1/')
curl -sS -N {url}/v1/runs/$RUN/events {authorization}
"
    )
}

/// The address by which this machine reaches a listener; one that listens everywhere is reached
/// by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_everywhere_is_reached_by_loopback() {
        let shown = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(shown("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(shown("[::]:80"), "[::1]:80");
        assert_eq!(shown("10.0.0.1:80"), "10.0.0.1:80");
    }
}
