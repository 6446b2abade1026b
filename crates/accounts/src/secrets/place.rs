use runloom_domain::OrgId;
use runloom_store::SecretColumn;

/// Where a secret is stored. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's id.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

impl<'a> Place<'a> {
    /// The place of a secret in the row with this id as text.
    pub const fn of(column: SecretColumn, row: &'a str) -> Self {
        Self {
            table: column.table(),
            row,
            column: column.column(),
        }
    }

    /// What is authenticated with a secret that is stored here.
    pub(super) fn associated(&self, org: OrgId, key_version: u32) -> Vec<u8> {
        unambiguous(&[
            b"runloom secret v1",
            self.table.as_bytes(),
            org.as_uuid().as_bytes(),
            self.row.as_bytes(),
            self.column.as_bytes(),
            &key_version.to_be_bytes(),
        ])
    }
}

/// Each part after its length, so that no two lists of parts become the same bytes.
pub(super) fn unambiguous(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_from_part_to_part_makes_other_bytes() {
        let lists: [&[&[u8]]; 5] = [
            &[b"ab", b"c"],
            &[b"a", b"bc"],
            &[b"abc"],
            &[b"abc", b""],
            &[],
        ];
        for (at, one) in lists.iter().enumerate() {
            for other in &lists[at + 1..] {
                assert_ne!(unambiguous(one), unambiguous(other));
            }
        }
    }
}
