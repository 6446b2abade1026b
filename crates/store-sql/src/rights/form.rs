//! What the lines of an export are made of.

use std::fmt::Write as _;

use crate::copy::image::Kind;

/// A kind of line: the rows of a table, or of two that belong together.
pub(super) struct Object {
    /// What the line says it is.
    pub(super) kind: &'static str,
    /// The tables, joined, and of those the one whose organisation is asked for.
    pub(super) from: &'static str,
    pub(super) base: &'static str,
    /// A condition on the rows, after the one on the organisation.
    pub(super) only: &'static str,
    /// Table and column of what the lines are in the order of.
    pub(super) order: &'static [(&'static str, &'static str)],
    /// What goes into which table, parents first.
    pub(super) parts: &'static [Part],
}

/// What of a line goes into one table.
pub(super) struct Part {
    pub(super) table: &'static str,
    /// Whether the row has the organisation's id, which the lines don't repeat.
    pub(super) has_org: bool,
    pub(super) fields: &'static [Field],
    /// Names of fields of other parts that this table has, too.
    pub(super) shared: &'static [&'static str],
    /// Columns that an import makes.
    pub(super) made: Made,
    /// Columns that stay where they are: secrets, and what the old deployment's work needs. Here
    /// they are NULL, or what the schema says.
    pub(super) left: &'static [&'static str],
}

/// Columns whose values an import makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Nothing,
    /// A password that nobody knows.
    Password,
    /// When somebody must look at a run.
    WakeAt,
    /// An unreadable secret where the row must have one.
    ServerSecret,
    /// An unreadable signing secret.
    SigningSecret,
}

impl Made {
    pub(super) const fn columns(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Nothing => &[],
            Self::Password => &[("password_hash", Kind::Text)],
            Self::WakeAt => &[("wake_at", Kind::Moment)],
            Self::ServerSecret => &[
                ("secret", Kind::Bytes),
                ("secret_nonce", Kind::Bytes),
                ("secret_key_version", Kind::BigInt),
            ],
            Self::SigningSecret => &[
                ("signing", Kind::Bytes),
                ("signing_nonce", Kind::Bytes),
                ("signing_key_version", Kind::BigInt),
            ],
        }
    }
}

/// A value of a line.
pub(super) struct Field {
    /// What the line calls it.
    pub(super) name: &'static str,
    pub(super) column: &'static str,
    pub(super) kind: Kind,
    /// Whether the text is JSON, which then stands in the line as it is.
    pub(super) json: bool,
}

impl Field {
    /// The same by another name.
    pub(super) const fn called(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        column: name,
        kind,
        json: false,
    }
}

pub(super) const fn id(name: &'static str) -> Field {
    field(name, Kind::Id)
}

pub(super) const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

pub(super) const fn json(name: &'static str) -> Field {
    Field {
        json: true,
        ..field(name, Kind::Text)
    }
}

pub(super) const fn bytes(name: &'static str) -> Field {
    field(name, Kind::Bytes)
}

pub(super) const fn number(name: &'static str) -> Field {
    field(name, Kind::BigInt)
}

pub(super) const fn small(name: &'static str) -> Field {
    field(name, Kind::Integer)
}

pub(super) const fn flag(name: &'static str) -> Field {
    field(name, Kind::Bool)
}

pub(super) const fn moment(name: &'static str) -> Field {
    field(name, Kind::Moment)
}

/// A table whose rows are lines.
pub(super) const fn table(
    kind: &'static str,
    name: &'static str,
    order: &'static [(&'static str, &'static str)],
    parts: &'static [Part],
) -> Object {
    Object {
        kind,
        from: name,
        base: name,
        only: "",
        order,
        parts,
    }
}

/// All of a table's columns but the `left` ones.
pub(super) const fn part(
    table: &'static str,
    fields: &'static [Field],
    left: &'static [&'static str],
) -> Part {
    Part {
        table,
        has_org: true,
        fields,
        shared: &[],
        made: Made::Nothing,
        left,
    }
}

impl Part {
    pub(super) const fn sharing(self, shared: &'static [&'static str]) -> Self {
        Self { shared, ..self }
    }

    pub(super) const fn making(self, made: Made) -> Self {
        Self { made, ..self }
    }

    /// Whether a column of the table is exported, or left out on purpose.
    pub(super) fn knows(&self, object: &Object, column: &str) -> bool {
        (self.has_org && column == "org_id")
            || self.left.contains(&column)
            || self.columns(object).iter().any(|(name, _)| *name == column)
    }

    /// The columns that an import writes, with their kinds, after the organisation's id.
    pub(super) fn columns(&self, object: &Object) -> Vec<(&'static str, Kind)> {
        let own = self.fields.iter().map(|field| (field.column, field.kind));
        let shared = self
            .shared
            .iter()
            .filter_map(|name| object.fields().find(|field| field.name == *name))
            .map(|field| (field.column, field.kind));
        let made = self.made.columns().iter().copied();
        own.chain(shared).chain(made).collect()
    }
}

impl Object {
    /// What a line has, in its order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.parts.iter().flat_map(|part| part.fields)
    }

    /// The place of a field in a line.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.fields().position(|field| field.name == name)
    }

    /// The lines of the organisation `$1`. Text goes by its bytes in SQLite, and in PostgreSQL
    /// when that is the `collation`.
    pub(super) fn select(&self, collation: &str) -> String {
        let mut sql = String::from("SELECT ");
        // Writing to a string can't fail.
        for (place, (part, field)) in self.columns().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}{}.\"{}\"", part.table, field.column);
        }
        let (from, base, only) = (self.from, self.base, self.only);
        let _ = write!(sql, " FROM {from} WHERE {base}.org_id = $1{only} ORDER BY ");
        for (place, (table, column)) in self.order.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let is_text = self.columns().any(|(part, field)| {
                (part.table, field.column) == (*table, *column) && field.kind == Kind::Text
            });
            let collation = if is_text { collation } else { "" };
            let _ = write!(sql, "{comma}{table}.\"{column}\"{collation}");
        }
        sql
    }

    fn columns(&self) -> impl Iterator<Item = (&'static Part, &'static Field)> {
        let of = |part: &'static Part| part.fields.iter().map(move |field| (part, field));
        self.parts.iter().flat_map(of)
    }
}
