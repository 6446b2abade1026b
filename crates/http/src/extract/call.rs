use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use runloom_accounts::Caller;
use runloom_domain::TraceId;
use runloom_store::{By, Idempotency};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::access::Access;
use super::body::{self, Body, Unread};
use super::once::{Answer, OnceKey};
use super::path::{FromPath, PathFields};
use super::query::{FromQuery, QueryFields};
use crate::error::{ApiError, ApiResult};
use crate::middleware::trace_of;
use crate::state::HttpState;

/// A whole request, taken apart in one order: who asks, path and query, body. So somebody
/// without a credential learns nothing else, and an invalid URL is told before a body is read.
pub(crate) struct Call<A: Access, P = (), Q = (), B = Unread> {
    /// Who asks.
    pub(crate) caller: A::Caller,
    /// Ids in the path.
    pub(crate) path: P,
    /// Parameters.
    pub(crate) query: Q,
    /// The body.
    pub(crate) body: B,
    /// Handles.
    pub(crate) state: HttpState,
    /// The request's trace.
    pub(crate) trace_id: TraceId,
    /// The request's head.
    pub(crate) request: HttpRequest,
    raw_body: Bytes,
}

impl<A: Access, P, Q, B> Call<A, P, Q, B> {
    /// What makes this request happen once for `principal`, if the client asked for that; its
    /// body is known again by `hash`.
    pub(crate) fn once_as(
        &self,
        principal: &str,
        hash: impl FnOnce(&[u8]) -> [u8; 32],
    ) -> Result<Option<OnceKey>, ApiError> {
        OnceKey::read(&self.request, principal, || hash(&self.raw_body))
    }
}

impl<A: Access<Caller = Caller>, P, Q, B> Call<A, P, Q, B> {
    /// By whom something is done that this request does now.
    pub(crate) fn by(&self) -> By {
        self.caller.by(self.state.now())
    }

    /// What makes this request happen once, if the client asked for that.
    pub(crate) fn once(&self) -> Result<Option<OnceKey>, ApiError> {
        self.once_as(&self.caller.principal, |body| Sha256::digest(body).into())
    }

    /// The answer of a creating request, 201 with `body`, and what makes it happen once.
    pub(crate) fn answer(
        &self,
        body: &impl Serialize,
    ) -> Result<(Answer, Option<Idempotency>), ApiError> {
        let answer = Answer::created(body)?;
        let once = self.once()?.map(|key| key.answered(&answer));
        Ok((answer, once))
    }
}

impl<A: Access<Caller = Caller>, P, Q, B> Call<A, P, Q, B> {
    /// What a creating request is answered with that is refused now, for what isn't in its body
    /// alone. It may repeat one that was carried out, and then the first answer still holds.
    pub(crate) async fn answered_before(&self, refused: ApiError) -> ApiResult {
        let Some(key) = self.once()? else {
            return Err(refused);
        };
        let once = key.answered(&Answer::created(&())?);
        let store = self.state.store();
        let kept = store.kept_answer(self.caller.org_id, &once);
        match self.state.read(kept).await? {
            Some(Ok(answer)) => Ok(Answer::stored(answer).respond()),
            Some(Err(conflict)) => Err(conflict.into()),
            None => Err(refused),
        }
    }
}

impl<A: Access, P: FromPath, Q: FromQuery, B: Body> FromRequest for Call<A, P, Q, B> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let state = state_of(&request)?;
            let (caller, path, query) = match head::<A, P, Q>(&request, &state).await {
                Ok(head) => head,
                Err(error) => {
                    return Err(body::discard(&request, &mut payload, error).await);
                }
            };
            let raw_body = if B::IS_READ {
                body::receive(&request, &mut payload, state.settings().body_timeout).await?
            } else {
                Bytes::new()
            };
            Ok(Self {
                caller,
                path,
                query,
                body: body::parse(&raw_body)?,
                trace_id: trace_of(&request),
                state,
                request,
                raw_body,
            })
        })
    }
}

/// The state that the application was made with.
fn state_of(request: &HttpRequest) -> Result<HttpState, ApiError> {
    let state = request.app_data::<web::Data<HttpState>>();
    let state = state.ok_or_else(|| ApiError::internal("the application has no state"))?;
    Ok(state.get_ref().clone())
}

/// All but the body.
async fn head<A: Access, P: FromPath, Q: FromQuery>(
    request: &HttpRequest,
    state: &HttpState,
) -> Result<(A::Caller, P, Q), ApiError> {
    let caller = A::check(request, state).await?;
    let (path, query) = target(request)?;
    Ok((caller, path, query))
}

fn target<P: FromPath, Q: FromQuery>(request: &HttpRequest) -> Result<(P, Q), ApiError> {
    let mut query_fields = QueryFields::new(request.query_string());
    let query = Q::from_query(&mut query_fields);
    let mut errors = query_fields.finish();
    let path = P::from_path(&mut PathFields::new(request, &mut errors));
    if errors.is_empty() {
        Ok((path, query))
    } else {
        Err(ApiError::invalid(&errors))
    }
}
