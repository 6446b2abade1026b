use std::path::Path;

use anyhow::Result;

use super::{PersonaSettings, file};

/// The personas that come with the program, the default one first.
const FILES: [(&str, &str); 3] = [
    (
        "assistant.md",
        include_str!("../../../personas/assistant.md"),
    ),
    ("careful.md", include_str!("../../../personas/careful.md")),
    (
        "summariser.md",
        include_str!("../../../personas/summariser.md"),
    ),
];

pub(super) fn read() -> Result<Vec<PersonaSettings>> {
    let parse = |(name, text): &(&str, &str)| file::parse(&Path::new("built-in").join(name), text);
    FILES.iter().map(parse).collect()
}
