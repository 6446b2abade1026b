//! How a server is shown who is calling, on its way into the store.

use runloom_accounts::{Place, Secret};
use runloom_domain::{EncryptedSecret, McpServerId, OrgId};
use runloom_store::{McpAuth, SecretColumn};
use utoipa::ToSchema;

use crate::configuring::Configuring;
use crate::error::ApiError;
use crate::extract::{Fields, Size};
use crate::state::HttpState;
use crate::v1::secret;

/// The longest URL.
pub(super) const URL: Size = Size::Bytes(1, 2_000);
/// How long a secret may be.
const SECRET: (usize, usize) = (1, 4 * 1024);
/// The longest id of a client, and the longest scope.
const NAME: Size = Size::Bytes(1, 1_000);

/// How a server is shown who is calling. Left out, it isn't.
#[derive(ToSchema)]
#[schema(as = NewMcpAuth)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(super) struct AuthBody {
    /// `bearer` with a `token`, or `client_credentials` of OAuth with a `token_url`, a
    /// `client_id`, a `client_secret` and perhaps a `scope`.
    #[schema(pattern = "^(bearer|client_credentials)$")]
    kind: String,
    /// Never shown again.
    #[schema(max_length = 4096, write_only, min_length = 1, pattern = r"^[!-~]+$")]
    token: Option<String>,
    #[schema(pattern = "^https?://", min_length = 1, max_length = 2000)]
    token_url: Option<String>,
    #[schema(min_length = 1, max_length = 1000)]
    client_id: Option<String>,
    /// Never shown again.
    #[schema(max_length = 4096, write_only, min_length = 1, pattern = r"^[!-~]+$")]
    client_secret: Option<String>,
    #[schema(min_length = 1, max_length = 1000)]
    scope: Option<String>,
}

/// What is said of it.
#[derive(Clone)]
pub(crate) enum SaidAuth {
    Bearer(Secret),
    ClientCredentials {
        token_url: String,
        client_id: String,
        scope: Option<String>,
        secret: Secret,
    },
}

/// The body's `auth`; `None` when it is absent or null, and when it is wrong.
pub(super) fn said(fields: &mut Fields) -> Option<SaidAuth> {
    fields.nested("auth", |auth| {
        auth.required("kind");
        let kinds = [
            ("bearer", Kind::Bearer),
            ("client_credentials", Kind::Client),
        ];
        match auth.word("kind", &kinds)? {
            Kind::Bearer => {
                auth.required("token");
                secret::visible(auth, "token", SECRET).map(SaidAuth::Bearer)
            }
            Kind::Client => {
                auth.required("client_secret");
                let token_url = auth.text("token_url", URL);
                let client_id = auth.text("client_id", NAME);
                let scope = auth.optional_text("scope", NAME);
                let secret = secret::visible(auth, "client_secret", SECRET)?;
                Some(SaidAuth::ClientCredentials {
                    token_url,
                    client_id,
                    scope,
                    secret,
                })
            }
        }
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Bearer,
    Client,
}

impl SaidAuth {
    /// Whether its URL may be called.
    pub(super) fn check(&self, configuring: &Configuring) -> Result<(), ApiError> {
        match self {
            Self::Bearer(_) => Ok(()),
            Self::ClientCredentials { token_url, .. } => configuring
                .check_url(token_url)
                .map_err(|problem| ApiError::invalid_field("auth.token_url", problem)),
        }
    }

    /// The same with its secret encrypted for the server's row.
    pub(super) async fn sealed(
        &self,
        state: &HttpState,
        org: OrgId,
        server: McpServerId,
    ) -> Result<McpAuth, ApiError> {
        Ok(match self {
            Self::Bearer(token) => McpAuth::Bearer(seal(state, org, server, token).await?),
            Self::ClientCredentials {
                token_url,
                client_id,
                scope,
                secret,
            } => McpAuth::ClientCredentials {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                scope: scope.clone(),
                secret: seal(state, org, server, secret).await?,
            },
        })
    }
}

async fn seal(
    state: &HttpState,
    org: OrgId,
    server: McpServerId,
    secret: &Secret,
) -> Result<EncryptedSecret, ApiError> {
    let row = server.to_string();
    let configuring = state.configuring();
    let sealed = configuring.sealed(org, Place::of(SecretColumn::McpServer, &row), secret);
    state.read(sealed).await
}
