/// Makes a creating call happen once per key: stored in the transaction of what it protects,
/// and forgotten after 24 h of the adapter's clock. Only what was created is kept: a call that
/// found nothing to create in leaves no key behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Who asks: an organisation's user or API key.
    pub principal: String,
    /// The request's method and path.
    pub operation: String,
    /// The client's key, at most 255 bytes.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
    /// What a repeat is answered with.
    pub answer: StoredAnswer,
}

/// An answer kept for repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status, always 2xx.
    pub status: u16,
    /// The body, JSON text without secrets.
    pub body: String,
}

/// The result of a creating call that took an [`Idempotency`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once<T> {
    /// It happened now.
    Done(T),
    /// It had happened before; nothing was written.
    Replayed(StoredAnswer),
    /// The key can't be used; nothing was written.
    Conflict(KeyConflict),
}

impl<T> Once<T> {
    /// The same with another value for what happened now.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Once<U> {
        match self {
            Self::Done(done) => Once::Done(value(done)),
            Self::Replayed(answer) => Once::Replayed(answer),
            Self::Conflict(conflict) => Once::Conflict(conflict),
        }
    }
}

/// Why an idempotency key can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyConflict {
    /// It was used with another body.
    Reused,
    /// A request with it is under way on another node and didn't end within 2 s.
    InProgress,
}
