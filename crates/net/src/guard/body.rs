use std::time::Duration;

use reqwest::Response;

/// How much of a body is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyCaps {
    /// Its length in bytes.
    pub max_bytes: usize,
    /// How long reading it may take in all.
    pub timeout: Duration,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the cap.
    #[error("the body has more than {max_bytes} bytes")]
    TooLarge {
        /// The cap.
        max_bytes: usize,
    },
    /// It took longer than the cap.
    #[error("the body took longer than {} ms", timeout.as_millis())]
    TooSlow {
        /// The cap.
        timeout: Duration,
    },
    /// The connection broke.
    #[error("the body broke off")]
    Broken(#[source] reqwest::Error),
}

/// Reads a body whole, holding no more of it than the caps say. An error closes the
/// connection. Dropping the future does too.
pub async fn read_body(response: Response, caps: BodyCaps) -> Result<Vec<u8>, BodyError> {
    let timeout = caps.timeout;
    tokio::time::timeout(timeout, read(response, caps.max_bytes))
        .await
        .unwrap_or(Err(BodyError::TooSlow { timeout }))
}

async fn read(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let too_large = BodyError::TooLarge { max_bytes };
    if response
        .content_length()
        .is_some_and(|length| length > max_bytes as u64)
    {
        return Err(too_large);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if chunk.len() > max_bytes - body.len() {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
