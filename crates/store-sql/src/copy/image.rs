//! A value in the bytes in which PostgreSQL sends and takes it.

use std::error::Error;

use bytes::BytesMut;
use runloom_domain::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use uuid::Uuid;

use crate::types::PG_EPOCH_MICROS;

/// The moments that PostgreSQL knows, in its microseconds: from 4713 BC to the year 294276.
const MOMENTS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// A value as SQLite gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    /// Of a text too, which need not be UTF-8.
    Bytes(Vec<u8>),
    /// No column has such.
    Real,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Bytes,
    Text,
    BigInt,
    Integer,
    Bool,
    Moment,
}

impl Kind {
    /// The kind of a column of these two types; `None` when they don't go together.
    pub(crate) fn of(sqlite: &str, postgres: &Type) -> Option<Self> {
        let known = [
            ("BLOB", Type::UUID, Self::Id),
            ("BLOB", Type::BYTEA, Self::Bytes),
            ("TEXT", Type::TEXT, Self::Text),
            ("INTEGER", Type::INT8, Self::BigInt),
            ("INTEGER", Type::INT4, Self::Integer),
            ("INTEGER", Type::BOOL, Self::Bool),
            ("INTEGER", Type::TIMESTAMPTZ, Self::Moment),
        ];
        known
            .into_iter()
            .find(|(ours, theirs, _)| *ours == sqlite && theirs == postgres)
            .map(|(_, _, kind)| kind)
    }

    /// The value's image, or why it has none.
    pub(crate) fn image(self, value: Value) -> Result<Image, &'static str> {
        let bytes = match (self, value) {
            (_, Value::Null) => return Ok(Image(None)),
            (Self::Id, Value::Bytes(bytes)) if bytes.len() != 16 => {
                return Err("an id has 16 bytes");
            }
            (Self::Text, Value::Bytes(bytes)) if bytes.contains(&0) => {
                return Err("PostgreSQL's text can't hold the character U+0000");
            }
            (Self::Text, Value::Bytes(bytes)) if std::str::from_utf8(&bytes).is_err() => {
                return Err("the text is not UTF-8");
            }
            (Self::Id | Self::Text | Self::Bytes, Value::Bytes(bytes)) => bytes,
            (Self::BigInt, Value::Integer(number)) => number.to_be_bytes().into(),
            (Self::Integer, Value::Integer(number)) => {
                let number = i32::try_from(number).map_err(|_| "the number has over 32 bits")?;
                number.to_be_bytes().into()
            }
            (Self::Bool, Value::Integer(number @ (0 | 1))) => vec![number as u8],
            (Self::Moment, Value::Integer(micros)) => {
                let micros = micros.checked_sub(PG_EPOCH_MICROS);
                let known = micros.filter(|micros| MOMENTS.contains(micros));
                let micros = known.ok_or("PostgreSQL knows no such moment")?;
                micros.to_be_bytes().into()
            }
            _ => return Err("the value is not of the column's type"),
        };
        Ok(Image(Some(bytes)))
    }

    /// The value that has this image, as SQLite takes it; `None` when it is no image of the kind.
    pub(crate) fn value(self, image: &Image) -> Option<Value> {
        let Some(bytes) = &image.0 else {
            return Some(Value::Null);
        };
        Some(match self {
            Self::Id | Self::Bytes | Self::Text => Value::Bytes(bytes.clone()),
            Self::BigInt => Value::Integer(i64::from_be_bytes(bytes.as_slice().try_into().ok()?)),
            Self::Integer => {
                let number = i32::from_be_bytes(bytes.as_slice().try_into().ok()?);
                Value::Integer(number.into())
            }
            Self::Bool => Value::Integer(i64::from(*bytes.first()?)),
            Self::Moment => {
                let micros = i64::from_be_bytes(bytes.as_slice().try_into().ok()?);
                Value::Integer(micros.checked_add(PG_EPOCH_MICROS)?)
            }
        })
    }

    /// PostgreSQL's type of such a column.
    pub(crate) const fn postgres(self) -> Type {
        match self {
            Self::Id => Type::UUID,
            Self::Bytes => Type::BYTEA,
            Self::Text => Type::TEXT,
            Self::BigInt => Type::INT8,
            Self::Integer => Type::INT4,
            Self::Bool => Type::BOOL,
            Self::Moment => Type::TIMESTAMPTZ,
        }
    }

    /// The value in words, for naming a row.
    pub(crate) fn show(self, image: &Image) -> String {
        let Some(bytes) = &image.0 else {
            return "NULL".to_owned();
        };
        match self {
            Self::Id => Uuid::from_slice(bytes).map_or_else(|_| hex(bytes), |id| id.to_string()),
            Self::Text => format!("{:?}", String::from_utf8_lossy(bytes)),
            Self::BigInt => <[u8; 8]>::try_from(bytes.as_slice()).map_or_else(
                |_| hex(bytes),
                |bytes| i64::from_be_bytes(bytes).to_string(),
            ),
            Self::Bytes | Self::Integer | Self::Bool | Self::Moment => hex(bytes),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a value, or NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image(pub(crate) Option<Vec<u8>>);

impl Image {
    /// Of an id.
    pub(crate) fn id(id: Uuid) -> Self {
        Self(Some(id.as_bytes().to_vec()))
    }

    /// Of a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self(Some(text.into().into_bytes()))
    }

    /// Of a number of 64 bits.
    pub(crate) fn number(number: i64) -> Self {
        Self(Some(number.to_be_bytes().to_vec()))
    }

    /// Of a moment.
    pub(crate) fn moment(at: Timestamp) -> Self {
        Self::number(at.as_micros().saturating_sub(PG_EPOCH_MICROS))
    }

    /// The id that it is of.
    pub(crate) fn as_id(&self) -> Option<Uuid> {
        Uuid::from_slice(self.0.as_ref()?).ok()
    }

    /// The text that it is of.
    pub(crate) fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(self.0.as_ref()?).ok()
    }

    /// The number of 64 bits that it is of.
    pub(crate) fn as_number(&self) -> Option<i64> {
        let bytes = self.0.as_deref()?;
        Some(i64::from_be_bytes(bytes.try_into().ok()?))
    }

    /// How much it takes, about.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::len)
    }
}

impl ToSql for Image {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(bytes) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    /// It has been made for the column.
    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Image {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(kind: Kind, value: Value) -> Result<Vec<u8>, &'static str> {
        kind.image(value).map(|image| image.0.expect("not NULL"))
    }

    #[test]
    fn values_become_what_postgresql_takes() {
        let number = |kind, number| image(kind, Value::Integer(number)).unwrap();
        assert_eq!(number(Kind::BigInt, -2), (-2_i64).to_be_bytes());
        assert_eq!(number(Kind::Integer, 201), 201_i32.to_be_bytes());
        assert_eq!(number(Kind::Bool, 1), [1]);
        assert_eq!(
            number(Kind::Moment, PG_EPOCH_MICROS + 7),
            7_i64.to_be_bytes()
        );
        let text = image(Kind::Text, Value::Bytes("é".into())).unwrap();
        assert_eq!(text, "é".as_bytes());
        assert_eq!(Kind::Text.image(Value::Null), Ok(Image(None)));
    }

    #[test]
    fn what_postgresql_can_not_hold_is_refused_with_the_reason() {
        let refused = |kind, value, part: &str| {
            let reason = image(kind, value).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        };
        refused(Kind::Text, Value::Bytes(b"a\0b".into()), "U+0000");
        refused(Kind::Text, Value::Bytes(vec![0xff]), "UTF-8");
        refused(Kind::Id, Value::Bytes(vec![1; 15]), "16 bytes");
        refused(Kind::Integer, Value::Integer(1 << 31), "32 bits");
        refused(Kind::Bool, Value::Integer(2), "type");
        refused(Kind::Moment, Value::Integer(i64::MIN), "moment");
        refused(Kind::Moment, Value::Bytes(Vec::new()), "type");
        refused(Kind::BigInt, Value::Real, "type");
    }

    #[test]
    fn types_that_do_not_go_together_make_no_kind() {
        assert_eq!(Kind::of("BLOB", &Type::UUID), Some(Kind::Id));
        assert_eq!(Kind::of("INTEGER", &Type::TEXT), None);
        assert_eq!(Kind::of("REAL", &Type::FLOAT8), None);
    }
}
