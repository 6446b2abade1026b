//! Lines whose length is bounded before they are held.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

pub(super) struct Lines<R> {
    read: BufReader<R>,
    line: Vec<u8>,
    longest: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// [`Lines::line`] has one.
    Whole,
    /// The line is longer than what is held. What has come of it is dropped.
    TooLong,
    /// There is no more. What stood behind the last line break is no line.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(read: R, longest: usize) -> Self {
        Self {
            read: BufReader::new(read),
            line: Vec::new(),
            longest,
        }
    }

    /// Reads on to the end of the line. When the future is dropped, the next call goes on where
    /// this one was.
    pub(super) async fn read(&mut self) -> std::io::Result<Read> {
        loop {
            let available = self.read.fill_buf().await?;
            if available.is_empty() {
                return Ok(Read::End);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(available.len());
            // From here to `consume` nothing waits.
            let fits = self.line.len() + taken <= self.longest;
            if fits {
                self.line.extend_from_slice(&available[..taken]);
            }
            self.read.consume(end.map_or(taken, |end| end + 1));
            if !fits {
                self.line = Vec::new();
                return Ok(Read::TooLong);
            }
            if end.is_some() {
                return Ok(Read::Whole);
            }
        }
    }

    /// The line that was read, without its line break.
    pub(super) fn line(&self) -> &[u8] {
        self.line.strip_suffix(b"\r").unwrap_or(&self.line)
    }

    /// Makes room for the next line. The room of an unusually long one is given back.
    pub(super) fn clear(&mut self) {
        const KEPT: usize = 64 * 1024;
        self.line.clear();
        self.line.shrink_to(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &str, longest: usize) -> Vec<String> {
        let mut lines = Lines::new(text.as_bytes(), longest);
        let mut found = Vec::new();
        loop {
            match lines.read().await.unwrap() {
                Read::Whole => found.push(String::from_utf8_lossy(lines.line()).into_owned()),
                Read::TooLong => found.push("too long".into()),
                Read::End => return found,
            }
            lines.clear();
        }
    }

    #[tokio::test]
    async fn lines_end_at_line_breaks() {
        assert_eq!(all("a\nb\r\n\nc", 10).await, ["a", "b", ""]);
    }

    #[tokio::test]
    async fn a_line_may_be_as_long_as_the_cap_and_no_longer() {
        assert_eq!(all("abc\n", 3).await, ["abc"]);
        assert_eq!(all("abcd\n", 3).await, ["too long"]);
    }
}
