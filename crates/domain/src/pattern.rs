/// A tool's name, in which each `*` stands for any characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolPattern<'a>(&'a str);

impl<'a> ToolPattern<'a> {
    /// The pattern written as `text`.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether it may stand for several tools.
    pub fn is_open(self) -> bool {
        self.0.contains('*')
    }

    /// Whether it may stand for tools that only come to be known when a run is created: it is open, or
    /// names a tool of an MCP server.
    pub fn is_resolved_late(self) -> bool {
        self.is_open() || self.0.starts_with("mcp__")
    }

    /// Whether `name` is meant.
    pub fn fits(self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut left) = name.strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            // The first place is as good as any: what lies between may be anything.
            match left.split_once(part) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        left.ends_with(last)
    }

    /// Whether it can stand for a tool's name at all: 1 to 64 characters of `A-Z a-z 0-9 _ - . *`.
    pub fn is_valid(self) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.*".contains(&b);
        (1..=64).contains(&self.0.len()) && self.0.bytes().all(plain)
    }
}

/// Whether a text may be the key of an MCP server: 1 to 32 characters of `a-z 0-9 -`. There is no
/// underscore in one, so that two of them end it in the names of tools.
pub fn is_server_key(key: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&key.len()) && key.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("ab*ba", "aba", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("a**c", "abc", true),
        ] {
            assert_eq!(
                ToolPattern::new(pattern).fits(name),
                fits,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn patterns_have_the_characters_of_names() {
        for valid in ["calculator", "mcp__git__*", "*", "a.b-c"] {
            assert!(ToolPattern::new(valid).is_valid(), "{valid}");
        }
        for invalid in ["", "a b", "[a]", "é", &"a".repeat(65)] {
            assert!(!ToolPattern::new(invalid).is_valid(), "{invalid}");
        }
    }
}
