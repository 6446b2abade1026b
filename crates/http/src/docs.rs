//! `/openapi.json`, and `/docs` from files inside the binary: no other host is needed to read it.

use std::sync::Arc;

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use crate::error::{ApiError, ApiResult};
use crate::openapi::openapi_json;

/// Nothing but our own files, and requests to our own API. Swagger UI sets style attributes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Its icon is empty, since browsers else ask for one that isn't there.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runloom API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"#;

const START: &str = "SwaggerUIBundle({ url: 'openapi.json', dom_id: '#swagger-ui', \
    deepLinking: true, validatorUrl: null });\n";

/// The OpenAPI document.
pub(crate) async fn openapi_document() -> ApiResult {
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::json())
        .body(openapi_json()))
}

/// The page that shows it.
pub(crate) async fn page() -> ApiResult {
    Ok(served("text/html; charset=utf-8", PAGE.into()))
}

/// What the page is made of.
pub(crate) async fn file(request: HttpRequest) -> ApiResult {
    let found = match request.match_info().get("file") {
        Some(name @ "swagger-ui.css") => part_of_ui("text/css; charset=utf-8", name),
        Some(name @ "swagger-ui-bundle.js") => part_of_ui("text/javascript; charset=utf-8", name),
        Some("start.js") => Some(served("text/javascript; charset=utf-8", START.into())),
        _ => None,
    };
    found
        .ok_or_else(|| ApiError::not_found("request.unknown_path", "there is nothing at this path"))
}

/// A file of Swagger UI. Only the two that the page names are served: its own page and start
/// would ask other hosts.
fn part_of_ui(content_type: &'static str, name: &str) -> Option<HttpResponse> {
    let file = utoipa_swagger_ui::serve(name, Arc::default()).ok()??;
    Some(served(content_type, file.bytes.into_owned().into()))
}

fn served(content_type: &'static str, body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(body)
}
