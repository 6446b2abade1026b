//! The file of an export: a header, a line for each object, and a footer by which a file that was
//! cut off or changed is known.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _, Write};

use runloom_domain::{OrgId, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::RightsError;

/// The form of the lines, raised whenever an older version can't read them any more.
const FORMAT: u32 = 1;

/// How the last line begins.
const FOOTER: &[u8] = br#"{"type":"footer","#;

/// The longest line that is read, in bytes. No object comes near it.
const LONGEST: u64 = 64 << 20;

#[derive(Deserialize, Serialize)]
struct Header {
    r#type: String,
    format: u32,
    org: OrgId,
}

#[derive(Deserialize, Serialize)]
struct Footer {
    r#type: String,
    lines: BTreeMap<String, u64>,
    sha256: String,
}

/// What every line says first.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    r#type: &'a str,
}

/// Writes an export's file and counts its lines.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    lines: BTreeMap<String, u64>,
}

impl<'a> Writer<'a> {
    /// Writes the header.
    pub(super) fn begin(out: &'a mut dyn Write, org: OrgId) -> Result<Self, RightsError> {
        let mut writer = Self {
            out,
            hash: Sha256::new(),
            lines: BTreeMap::new(),
        };
        let header = Header {
            r#type: "header".to_owned(),
            format: FORMAT,
            org,
        };
        let line = line_of(&header)?;
        writer.write(&line)?;
        Ok(writer)
    }

    fn write(&mut self, line: &[u8]) -> Result<(), RightsError> {
        self.hash.update(line);
        Ok(self.out.write_all(line)?)
    }

    /// Writes an object's line, which ends with a line feed.
    pub(super) fn object(&mut self, kind: &str, line: &[u8]) -> Result<(), RightsError> {
        match self.lines.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.lines.insert(kind.to_owned(), 1)),
        }
        self.write(line)
    }

    /// Writes the footer.
    pub(super) fn finish(self) -> Result<(), RightsError> {
        let footer = Footer {
            r#type: "footer".to_owned(),
            lines: self.lines,
            sha256: hex(&self.hash.finalize()),
        };
        let line = line_of(&footer)?;
        self.out.write_all(&line)?;
        Ok(self.out.flush()?)
    }
}

fn line_of(value: &impl Serialize) -> Result<Vec<u8>, RightsError> {
    let mut line = serde_json::to_vec(value).map_err(std::io::Error::from)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads an export's file and checks what it says of itself.
pub(super) struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    hash: Sha256,
    lines: BTreeMap<String, u64>,
    number: u64,
    org: OrgId,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub(super) fn begin(input: R) -> Result<Self, RightsError> {
        let mut reader = Self {
            input,
            buffer: Vec::new(),
            hash: Sha256::new(),
            lines: BTreeMap::new(),
            number: 0,
            org: OrgId::from_uuid(uuid::Uuid::nil()),
        };
        let no_header = || file("it has no header");
        let Some(line) = reader.line()? else {
            return Err(no_header());
        };
        let header: Header = serde_json::from_str(line).map_err(|_| no_header())?;
        if header.r#type != "header" {
            return Err(no_header());
        }
        if header.format != FORMAT {
            let format = header.format;
            return Err(file(&format!(
                "it has the format {format}; this version reads {FORMAT}"
            )));
        }
        // The rows of no organisation have this id.
        if header.org.as_uuid().is_nil() {
            return Err(file("its organisation has the id of zeros"));
        }
        reader.org = header.org;
        reader.hash.update(&reader.buffer);
        Ok(reader)
    }

    /// Whose data it is.
    pub(super) const fn org(&self) -> OrgId {
        self.org
    }

    /// How many lines were read.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next object's line and kind; `None` after the last, once the footer has been found to
    /// be right.
    pub(super) fn next(&mut self) -> Result<Option<(&str, &str)>, RightsError> {
        if self.line()?.is_none() {
            return Err(file("it ends before its footer"));
        }
        let number = self.number;
        if self.buffer.starts_with(FOOTER) {
            let footer = serde_json::from_slice(&self.buffer);
            self.end(&footer.map_err(|_| file("its footer can't be read"))?)?;
            return Ok(None);
        }
        self.hash.update(&self.buffer);
        let line = text(&self.buffer, number)?;
        let Kind { r#type: kind } = serde_json::from_str(line).map_err(|error| {
            let reason = format!("it is no object of a type: {error}");
            RightsError::Line {
                line: number,
                reason,
            }
        })?;
        match self.lines.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.lines.insert(kind.to_owned(), 1)),
        }
        Ok(Some((kind, line)))
    }

    fn end(&mut self, footer: &Footer) -> Result<(), RightsError> {
        if footer.sha256 != hex(&self.hash.finalize_reset()) || footer.lines != self.lines {
            return Err(file("it is not as it was written; its footer doesn't fit"));
        }
        self.buffer.clear();
        match self.input.by_ref().take(1).read_to_end(&mut self.buffer)? {
            0 => Ok(()),
            _ => Err(file("it goes on after its footer")),
        }
    }

    /// Reads a line with its line feed into the buffer.
    fn line(&mut self) -> Result<Option<&str>, RightsError> {
        self.buffer.clear();
        let mut limited = self.input.by_ref().take(LONGEST);
        let length = limited.read_until(b'\n', &mut self.buffer)?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.buffer.last() != Some(&b'\n') {
            return Err(file(&format!("line {} has no end", self.number)));
        }
        text(&self.buffer, self.number).map(Some)
    }
}

fn text(line: &[u8], number: u64) -> Result<&str, RightsError> {
    str::from_utf8(line).map_err(|_| RightsError::Line {
        line: number,
        reason: "it is not UTF-8".to_owned(),
    })
}

fn file(what: &str) -> RightsError {
    RightsError::File(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut out = Vec::new();
        let org = OrgId::from_uuid(uuid::Uuid::from_u128(7));
        let mut writer = Writer::begin(&mut out, org).unwrap();
        for number in 0..3 {
            let line = format!("{{\"type\":\"thread\",\"n\":{number}}}\n");
            writer.object("thread", line.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        out
    }

    fn read(bytes: &[u8]) -> Result<u64, String> {
        let told = |error: RightsError| error.to_string();
        let mut reader = Reader::begin(bytes).map_err(told)?;
        while reader.next().map_err(told)?.is_some() {}
        Ok(reader.number())
    }

    #[test]
    fn a_whole_file_is_read_to_its_end() {
        assert_eq!(read(&written()), Ok(5));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let whole = written();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_file_that_is_changed_is_refused_with_the_reason() {
        let whole = String::from_utf8(written()).unwrap();
        let refused = |changed: String, reason: &str| {
            let error = read(changed.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        };
        refused(whole.replace("\"n\":1", "\"n\":9"), "footer doesn't fit");
        let fewer = whole.replace("{\"type\":\"thread\",\"n\":1}\n", "");
        refused(fewer, "footer doesn't fit");
        refused(format!("{whole}\n"), "goes on after");
        refused(
            whole.replace("\"format\":1", "\"format\":2"),
            "this version reads 1",
        );
        refused(whole.replace("header", "beginning"), "no header");
        let nobody = whole.replacen("00000007", "00000000", 1);
        refused(nobody, "the id of zeros");
        refused(
            whole.replace("{\"type\":\"thread\",\"n\":2}", "[]"),
            "line 4",
        );
    }
}
