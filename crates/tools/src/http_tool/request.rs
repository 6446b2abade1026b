use reqwest::RequestBuilder;
use reqwest::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use runloom_domain::ToolClass;
use runloom_engine::port::tool::{ToolContext, ToolError};
use serde_json::{Value, json};

use super::sign::signature;
use super::{HttpToolSpec, HttpTools};

/// What is sent, as text: the signature is of exactly these bytes.
pub(super) fn body(spec: &HttpToolSpec, context: &ToolContext, arguments: &Value) -> String {
    json!({
        "tool": spec.definition.name,
        "arguments": arguments,
        "run_id": context.run_id,
        "tool_call_id": context.tool_call_id,
        "org_id": context.org_id,
    })
    .to_string()
}

impl HttpTools {
    /// The request of one try.
    pub(super) fn request(
        &self,
        spec: &HttpToolSpec,
        context: &ToolContext,
        body: &str,
    ) -> Result<RequestBuilder, ToolError> {
        let url = self.guard.checked(&spec.url);
        let url = url.map_err(|refused| ToolError::unavailable(refused.to_string()))?;
        let mut headers = theirs(spec)?;
        let timestamp = self.clock.now().as_millis().div_euclid(1_000);
        let signature = signature(&spec.signing_secret, timestamp, body);
        for (name, value) in [
            ("idempotency-key", context.effect_key()),
            ("runloom-timestamp", timestamp.to_string()),
            ("runloom-signature", signature),
        ] {
            headers.insert(name, value_of(&value)?);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if spec.class == ToolClass::Once {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let client = match spec.class {
            ToolClass::Once => &self.fresh,
            ToolClass::Pure | ToolClass::Keyed => &self.client,
        };
        let request = client.request(spec.method.clone(), url);
        Ok(request.headers(headers).body(body.to_owned()))
    }
}

/// The headers that the tool's owner wants.
fn theirs(spec: &HttpToolSpec) -> Result<HeaderMap, ToolError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &spec.headers {
        headers.insert(name_of(name)?, value_of(value)?);
    }
    if let Some((name, value)) = &spec.secret_header {
        let mut value = value_of(value.expose())?;
        value.set_sensitive(true);
        headers.insert(name_of(name)?, value);
    }
    Ok(headers)
}

fn name_of(name: &str) -> Result<HeaderName, ToolError> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    parsed.map_err(|_| ToolError::unavailable("a header of the tool has no name"))
}

fn value_of(value: &str) -> Result<HeaderValue, ToolError> {
    let parsed = HeaderValue::from_str(value);
    parsed.map_err(|_| ToolError::unavailable("a header of the tool has no value"))
}
