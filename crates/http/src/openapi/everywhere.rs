//! What holds for every operation and is therefore said at none.

use serde_json::{Value, json};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// The errors that any operation of a kind may answer with, beside its own: the status, the name
/// of the shared description, what it says, and an example of its code and message.
const ERRORS: [(&str, &str, &str, &str, &str); 10] = [
    (
        "400",
        "Malformed",
        "The body is no JSON object.",
        "request.malformed_json",
        "the body is not JSON",
    ),
    (
        "401",
        "Unauthorized",
        "The credential is missing, wrong, or has ended.",
        "auth.unauthorized",
        "a bearer token is needed",
    ),
    (
        "403",
        "Forbidden",
        "The caller may not do this.",
        "auth.forbidden",
        "this needs the permission routes.manage",
    ),
    (
        "408",
        "Stalled",
        "The body took too long to come.",
        "request.body_timeout",
        "the body did not arrive in time",
    ),
    (
        "413",
        "TooLarge",
        "The body is too large.",
        "request.too_large",
        "the body is larger than 1048576 bytes",
    ),
    (
        "415",
        "UnsupportedMediaType",
        "The body is of another type than `application/json`.",
        "request.unsupported_media_type",
        "the body must be application/json",
    ),
    (
        "422",
        "Invalid",
        "A parameter or a field is wrong; `details` names each.",
        "validation.error",
        "the request is not valid",
    ),
    (
        "429",
        "TooMany",
        "Too many requests. `Retry-After` says when to try again.",
        "service.rate_limited",
        "too many requests",
    ),
    (
        "500",
        "Internal",
        "An unknown failure, which is in the server's log under the `trace_id`.",
        "internal.error",
        "something went wrong",
    ),
    (
        "503",
        "Unavailable",
        "The server or its database can't do this now. `Retry-After` says when to try again.",
        "service.database_unavailable",
        "the database does not answer",
    ),
];

/// Adds to each operation of the API the errors that any may answer with.
pub(super) struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        for (_, name, description, code, message) in ERRORS {
            let response = shared(description, code, message);
            components
                .responses
                .insert(name.to_owned(), RefOr::T(response));
        }
        for (path, item) in &mut document.paths.paths {
            let of_api = path.starts_with("/v1/");
            for operation in operations(item) {
                describe(operation);
                if of_api {
                    complete(operation);
                }
            }
        }
    }
}

fn shared(description: &str, code: &str, message: &str) -> Response {
    let schema = Ref::from_schema_name("ErrorEnvelope");
    let mut content = Content::new(Some(schema));
    content.example = Some(example(code, message));
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .build()
}

fn example(code: &str, message: &str) -> Value {
    json!({
        "code": code,
        "message": message,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    })
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ];
    methods.into_iter().flatten()
}

/// Readers that show only descriptions should show something.
fn describe(operation: &mut Operation) {
    if operation.description.is_none() {
        operation.description.clone_from(&operation.summary);
    }
}

fn complete(operation: &mut Operation) {
    // An operation without a list of its own needs what the document says: a credential.
    let open = operation.security.as_ref().is_some_and(Vec::is_empty);
    let body = operation.request_body.is_some();
    let parameters = operation.parameters.as_ref();
    let input = body || parameters.is_some_and(|parameters| !parameters.is_empty());
    for (status, name, ..) in ERRORS {
        let fits = match status {
            "401" | "403" => !open,
            "400" | "408" | "413" | "415" => body,
            "422" => input,
            _ => true,
        };
        if fits {
            let responses = &mut operation.responses.responses;
            let shared = RefOr::Ref(Ref::from_response_name(name));
            responses.entry(status.to_owned()).or_insert(shared);
        }
    }
}
