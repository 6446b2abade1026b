/// A secret as it is stored: encrypted by a data key of its organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedSecret {
    /// Which of the organisation's data keys.
    pub key_version: u32,
    /// Random, another one for each encryption.
    pub nonce: [u8; 12],
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}
