use crate::ToolPattern;

/// How many patterns a list may have, and how long one may be, in bytes.
const MAX_PATTERNS: usize = 64;
const MAX_BYTES: usize = 500;

/// Which URLs are meant: `[SCHEME://]HOST[:PORT][/PATH]`.
///
/// The host is a name or an address, `*.example.com` for every name below one, or `*`. What is
/// left out fits all: both schemes, every port, every path. In the path each `*` stands for any
/// characters. Queries are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlPattern<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    path: Option<&'a str>,
}

/// The parts of a URL that a pattern looks at, in their normal forms.
#[derive(Clone, Copy, Debug)]
pub struct UrlParts<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// In lower case.
    pub host: &'a str,
    /// The scheme's own where the URL has none.
    pub port: u16,
    /// Without dot segments.
    pub path: &'a str,
}

impl<'a> UrlPattern<'a> {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("has more than {MAX_BYTES} bytes"));
        }
        if let Some(bad) = text.chars().find(|c| !is_plain(*c)) {
            return Err(format!("has {bad:?} in it"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
            Some(_) => return Err("has another scheme than http or https".to_owned()),
            None => (None, text),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        let (host, port) = host_and_port(authority)?;
        Ok(Self {
            scheme,
            host,
            port,
            path,
        })
    }

    /// Whether the URL is meant.
    pub fn fits(&self, url: UrlParts<'_>) -> bool {
        self.scheme.is_none_or(|scheme| scheme == url.scheme)
            && self.fits_host(url.host)
            && self.port.is_none_or(|port| port == url.port)
            && self.path.is_none_or(|path| fits_path(path, url.path))
    }

    /// Whether every URL that `other` means is meant. May miss that where both have wildcards in
    /// their paths, never the other way round.
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme
            .is_none_or(|scheme| Some(scheme) == other.scheme)
            && (self.host == other.host || self.fits_host(other.host))
            && self.port.is_none_or(|port| Some(port) == other.port)
            && self.path.is_none_or(|path| {
                let path = ToolPattern::new(path);
                other.path.is_some_and(|other| path.fits(other))
            })
    }

    fn fits_host(&self, host: &str) -> bool {
        match self.host.strip_prefix('*') {
            // Either nothing is left or it begins with the dot.
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => self.host == host,
        }
    }
}

/// A path with a hidden slash fits nothing: a server that reads it as one would look elsewhere.
fn fits_path(pattern: &str, path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_hidden = lower.contains("%2f") || lower.contains("%5c");
    !is_hidden && ToolPattern::new(pattern).fits(path)
}

/// Neither white space nor what begins a query, a fragment or an escape: a path is compared in
/// the form in which it is sent.
fn is_plain(c: char) -> bool {
    c.is_ascii_graphic() && !"?#@\\\"<>^`{|}".contains(c)
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    // The colons of an address stand between brackets.
    let behind = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[behind..].split_once(':') {
        Some((rest, port)) => (&authority[..behind + rest.len()], Some(port)),
        None => (authority, None),
    };
    let port = port.map(str::parse::<u16>).transpose();
    let port = port.map_err(|_| "has a port that is no number".to_owned())?;
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._:[]".contains(c);
    if host != "*" && (name.is_empty() || !name.chars().all(is_host)) {
        return Err(
            "has no host such as api.example.com, *.example.com or *, in lower case".to_owned(),
        );
    }
    Ok((host, port))
}

/// Whether all of a persona's patterns on URLs can be used; else which one can't, and why.
pub fn check_url_patterns(patterns: &[String]) -> Result<(), String> {
    if patterns.len() > MAX_PATTERNS {
        return Err(format!("at most {MAX_PATTERNS} are allowed"));
    }
    for text in patterns {
        UrlPattern::parse(text).map_err(|why| format!("{text:?} {why}"))?;
    }
    Ok(())
}

/// The patterns of URLs that both lists mean. What can't be told is left out.
pub fn common_url_patterns(one: &[String], other: &[String]) -> Vec<String> {
    let covered = |text: &&String, by: &[String]| {
        by.iter().any(|wide| {
            let (wide, text) = (UrlPattern::parse(wide), UrlPattern::parse(text));
            wide.is_ok_and(|wide| text.is_ok_and(|text| wide.covers(&text)))
        })
    };
    let of_one = one.iter().filter(|text| covered(text, other));
    let of_other = other
        .iter()
        .filter(|text| covered(text, one) && !one.contains(text));
    of_one.chain(of_other).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lists_have_in_common_what_both_mean() {
        let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        for (one, other, both) in [
            (&["*"][..], &["a.test"][..], &["a.test"][..]),
            (&["a.test"], &["a.test", "b.test"], &["a.test"]),
            (&["*.test"], &["a.test", "test"], &["a.test"]),
            (&["*.test"], &["*.a.test"], &["*.a.test"]),
            (&["https://*.test"], &["a.test"], &[]),
            (&["a.test:80"], &["a.test", "a.test:81"], &["a.test:80"]),
            (
                &["a.test/x/*"],
                &["a.test/x/y", "a.test/z", "*/x/y/*"],
                &["a.test/x/y"],
            ),
            (&["a.test"], &[], &[]),
        ] {
            assert_eq!(
                common_url_patterns(&list(one), &list(other)),
                list(both),
                "{one:?}"
            );
            let mut turned = common_url_patterns(&list(other), &list(one));
            turned.sort();
            assert_eq!(turned, list(both), "{one:?}");
        }
    }

    fn fits(pattern: &str, (scheme, host, port, path): (&str, &str, u16, &str)) -> bool {
        UrlPattern::parse(pattern).unwrap().fits(UrlParts {
            scheme,
            host,
            port,
            path,
        })
    }

    #[test]
    fn what_is_left_out_fits_all() {
        for url in [
            ("https", "api.example.com", 443, "/"),
            ("http", "api.example.com", 8080, "/v1/a"),
        ] {
            assert!(fits("*", url) && fits("api.example.com", url) && fits("*.example.com", url));
            assert!(!fits("example.com", url) && !fits("*.api.example.com", url));
        }
        let evil = ("https", "api.example.com.evil.test", 443, "/");
        assert!(!fits("api.example.com", evil) && !fits("*.example.com", evil));
        let beside = ("https", "notexample.com", 443, "/");
        assert!(!fits("*.example.com", beside));
    }

    #[test]
    fn what_is_said_counts() {
        let url = ("https", "[::1]", 8443, "/v1/items/7");
        for (pattern, expected) in [
            ("https://[::1]:8443/v1/*", true),
            ("http://[::1]:8443/v1/*", false),
            ("[::1]:443", false),
            ("[::1]/v1/items/7", true),
            ("[::1]/v1", false),
            ("[::1]/*/7", true),
            ("*:8443/", false),
        ] {
            assert_eq!(fits(pattern, url), expected, "{pattern}");
        }
        let hidden = ("https", "a.example", 443, "/v1/..%2Fadmin");
        assert!(fits("a.example", hidden) && !fits("a.example/v1/*", hidden));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in [
            "",
            "/v1",
            "ftp://a.example",
            "https://",
            "user@a.example",
            "a.example?x=1",
            "a b",
            "A.example",
            "a.*.example",
            "*a.example",
            "a.example:http",
            "a.example:70000",
            "é.example",
        ] {
            assert!(UrlPattern::parse(text).is_err(), "{text}");
        }
        let long = "a".repeat(501);
        assert!(check_url_patterns(&[long]).is_err());
        assert!(check_url_patterns(&vec!["a.example".to_owned(); 65]).is_err());
        let bad = check_url_patterns(&["a.example".to_owned(), "b c".to_owned()]);
        assert!(bad.unwrap_err().starts_with("\"b c\" has"));
    }
}
