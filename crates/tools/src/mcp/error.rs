//! What goes wrong with servers of tools.

use std::error::Error;
use std::time::Duration;

use rmcp::model::{ErrorCode, ErrorData};
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use runloom_domain::ToolClass;
use runloom_engine::port::tool::ToolError;
use runloom_net::guard::Refused;

use super::fault::Fault;

type HttpError = StreamableHttpError<reqwest::Error>;

/// How much of a server's own words a model gets to see in an error.
const SHOWN: usize = 2_000;

/// Why a server gave no answer. Its text is for the model, and for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum McpError {
    /// It wasn't reached, so nothing has happened.
    #[error("the tool's server is not available: {0}")]
    Unavailable(String),
    /// The connection broke after the call was sent, so that nobody knows what has happened.
    #[error("the connection to the tool's server broke in mid-call: {0}")]
    Broken(String),
    /// It took too long, and was told to stop.
    #[error("the tool gave no sign of progress for {} s", .0.as_secs())]
    Idle(Duration),
    /// As above, with all its progress.
    #[error("the tool was not done after {} s", .0.as_secs())]
    Slow(Duration),
    /// It refused the call, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It refused the arguments, in its own words.
    #[error("{0}")]
    Arguments(String),
    /// Its tool isn't the one that the run knows.
    #[error("the tool's definition has changed since the run began")]
    Changed,
}

impl McpError {
    /// As the model gets it. A call whose effect nobody knows is an error of its own for tools
    /// that must not be called twice.
    pub(super) fn for_model(&self, class: ToolClass) -> ToolError {
        let name = match self {
            Self::Broken(_) | Self::Idle(_) | Self::Slow(_) if class == ToolClass::Once => {
                ToolError::OUTCOME_UNKNOWN
            }
            Self::Unavailable(_) | Self::Broken(_) => "tool.unavailable",
            Self::Idle(_) | Self::Slow(_) => "tool.timeout",
            Self::Refused(_) => "tool.failed",
            Self::Arguments(_) => "tool.invalid_arguments",
            Self::Changed => "tool.definition_changed",
        };
        ToolError {
            class: name.into(),
            message: self.to_string(),
        }
    }

    /// The same of what comes before a call is sent: then nothing has happened yet.
    pub(super) fn before_call(self) -> Self {
        match self {
            Self::Broken(_) | Self::Idle(_) | Self::Slow(_) => {
                Self::Unavailable(format!("it didn't list its tools: {self}"))
            }
            other => other,
        }
    }

    /// Why a request that was made on a connection has no result.
    pub(super) fn of_request(error: &ServiceError, fault: &Fault) -> Self {
        match error {
            ServiceError::McpError(said) => Self::said(said),
            ServiceError::TransportSend(error) => Self::of_sending(error.error.as_ref(), fault),
            ServiceError::Cancelled { .. } => Self::Refused("the server cancelled the call".into()),
            ServiceError::UnexpectedResponse => {
                Self::Refused("the server's answer is none to this request".into())
            }
            _ => Self::Broken(why(fault, "it closed the connection")),
        }
    }

    fn said(error: &ErrorData) -> Self {
        let words = cut(&error.message);
        if error.code == ErrorCode::INVALID_PARAMS {
            Self::Arguments(format!("the server refuses the arguments: {words}"))
        } else {
            Self::Refused(format!("the server answers with an error: {words}"))
        }
    }

    fn of_sending(error: &(dyn Error + 'static), fault: &Fault) -> Self {
        if let Some(refused) = Refused::of(error) {
            return Self::Unavailable(refused.to_string());
        }
        match chain(error).find_map(|error| error.downcast_ref::<HttpError>()) {
            Some(error) => Self::of_http(error),
            None => Self::Broken(why(fault, "it doesn't take messages")),
        }
    }

    fn of_http(error: &HttpError) -> Self {
        match error {
            HttpError::Client(error) if error.is_connect() || error.is_builder() => {
                Self::Unavailable("it can't be connected to".into())
            }
            HttpError::HttpStatus(error) if matches!(error.status, 429 | 503) => {
                Self::Unavailable(format!("it answers {}", error.status))
            }
            HttpError::HttpStatus(error) => Self::Broken(format!("it answers {}", error.status)),
            HttpError::AuthRequired(_) | HttpError::InsufficientScope(_) => {
                Self::Unavailable("it refuses our credentials".into())
            }
            HttpError::UnexpectedServerResponse(said) if said.starts_with("HTTP 4") => {
                Self::Refused(format!("the server refuses the call: {}", cut(said)))
            }
            HttpError::UnexpectedServerResponse(said) if said.starts_with("the OAuth") => {
                Self::Unavailable(said.to_string())
            }
            // Its own text names the URL, in which there may be a key.
            HttpError::Client(_) => Self::Broken("it broke off before it had answered".into()),
            error => Self::Broken(cut(&error.to_string())),
        }
    }

    /// Why a connection could not be made.
    pub(super) fn of_start(error: &ClientInitializeError, fault: &Fault) -> Self {
        if let Some(refused) = Refused::of(error) {
            return Self::Unavailable(refused.to_string());
        }
        let said = match error {
            ClientInitializeError::TransportError { error, .. } => {
                match Self::of_sending(error.error.as_ref(), fault) {
                    Self::Unavailable(why) | Self::Broken(why) | Self::Refused(why) => why,
                    other => other.to_string(),
                }
            }
            ClientInitializeError::ConnectionClosed(_) => "it closed the connection".into(),
            error => cut(&error.to_string()),
        };
        Self::Unavailable(why(fault, &said))
    }
}

/// What is known of a connection's end, or else this.
fn why(fault: &Fault, otherwise: &str) -> String {
    fault.reason().unwrap_or(otherwise).to_owned()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
