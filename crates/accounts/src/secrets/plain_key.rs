use std::fmt;

use zeroize::Zeroizing;

use crate::random;

/// A data key as it encrypts, not as it is stored. Wiped when dropped.
pub(super) struct PlainKey(Zeroizing<[u8; 32]>);

impl PlainKey {
    pub(super) fn generate() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        random::fill(&mut *key);
        Self(key)
    }

    /// The key of these bytes, if there are 32.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes
            .try_into()
            .ok()
            .map(|bytes| Self(Zeroizing::new(bytes)))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainKey(…)")
    }
}
