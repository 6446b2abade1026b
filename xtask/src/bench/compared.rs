//! The same figure of several kinds of runs, side by side.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A figure by kind. The first kind is what the others are held against.
#[derive(Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) what: String,
    of: Vec<(String, f64)>,
}

impl Compared {
    pub(crate) fn new(what: String, of: Vec<(String, f64)>) -> Self {
        Self { what, of }
    }

    /// Whether no kind has the figure.
    pub(crate) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The figure of `kind`.
    pub(crate) fn figure(&self, kind: &str) -> Option<f64> {
        let (_, figure) = self.of.iter().find(|(name, _)| name == kind)?;
        Some(*figure)
    }

    /// How many times the first kind's figure that of `kind` is.
    pub(crate) fn ratio(&self, kind: &str) -> Option<f64> {
        let (_, base) = self.of.first()?;
        Some(self.figure(kind)? / base)
    }
}

/// A table with a column for each kind, and below each figure how many times the first it is.
pub(crate) fn table(all: &[Compared]) -> String {
    let mut text = String::new();
    let Some(first) = all.first() else {
        return text;
    };
    let line = |text: &mut String, what: &str, columns: &mut dyn Iterator<Item = String>| {
        // Writing to a string can't fail, here and below.
        let _ = write!(text, "  {what:<36}");
        for column in columns {
            let _ = write!(text, " {column:>9}");
        }
        text.push('\n');
    };
    line(
        &mut text,
        "",
        &mut first.of.iter().map(|(kind, _)| kind.clone()),
    );
    for compared in all {
        let figures = compared.of.iter();
        let ratios = figures.clone().map(|(kind, _)| compared.ratio(kind));
        line(
            &mut text,
            &compared.what,
            &mut figures.map(|(_, figure)| format!("{figure:.3}")),
        );
        let ratios = ratios.map(|ratio| format!("x{:.3}", ratio.unwrap_or(f64::NAN)));
        line(&mut text, "", &mut ratios.into_iter());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_held_against_the_first() {
        let figures = [("plain", 2.0), ("full", 3.0)];
        let of = figures.map(|(kind, figure)| (kind.to_owned(), figure));
        let compared = Compared::new("run, ms".to_owned(), of.into());
        assert_eq!(compared.ratio("full"), Some(1.5));
        assert_eq!(compared.ratio("other"), None);
        let table = table(&[compared]);
        assert!(table.contains("x1.500"), "{table}");
    }
}
