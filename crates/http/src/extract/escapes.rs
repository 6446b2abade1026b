use std::borrow::Cow;

/// Replaces escapes of lone surrogates by those of NUL, and tells whether the text has either.
///
/// JSON text can name half of a surrogate pair, which is no character. The parser would call
/// the whole body malformed; as NUL, which isn't accepted either, the field that holds it can
/// be named.
pub(super) fn mend(body: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut mended = Cow::Borrowed(body);
    let mut forbidden = false;
    let mut at = 0;
    while let Some(found) = body[at..].iter().position(|&byte| byte == b'\\') {
        at += found;
        let (length, lone) = match unit(body, at) {
            None => (2, false),
            Some(0) => {
                forbidden = true;
                (6, false)
            }
            Some(0xD800..=0xDBFF) => match unit(body, at + 6) {
                Some(0xDC00..=0xDFFF) => (12, false),
                _ => (6, true),
            },
            Some(0xDC00..=0xDFFF) => (6, true),
            Some(_) => (6, false),
        };
        if lone {
            mended.to_mut()[at + 2..at + 6].copy_from_slice(b"0000");
            forbidden = true;
        }
        at = (at + length).min(body.len());
    }
    (mended, forbidden)
}

/// The UTF-16 unit that is escaped at `at`, if there is one.
fn unit(body: &[u8], at: usize) -> Option<u16> {
    let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> (String, bool) {
        let (bytes, forbidden) = mend(text.as_bytes());
        (String::from_utf8(bytes.into_owned()).unwrap(), forbidden)
    }

    #[test]
    fn pairs_and_plain_escapes_stay() {
        for good in [
            r#""\ud834\udd1e""#,
            r#""\u00e9\n\\ud800""#,
            r#""é""#,
            r#""\"#,
        ] {
            assert_eq!(mended(good), (good.to_owned(), false));
        }
    }

    #[test]
    fn lone_surrogates_become_nul() {
        let nul = r#""\u0000""#.to_owned();
        assert_eq!(mended(r#""\ud834""#), (nul.clone(), true));
        assert_eq!(mended(r#""\uDC00""#), (nul.clone(), true));
        assert_eq!(mended(&nul), (nul, true));
        assert_eq!(
            mended(r#""\ud834\ud834\udd1e""#),
            (r#""\u0000\ud834\udd1e""#.to_owned(), true)
        );
        assert_eq!(mended(r#""\ud834\n""#), (r#""\u0000\n""#.to_owned(), true));
    }
}
