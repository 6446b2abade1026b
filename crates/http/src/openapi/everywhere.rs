//! What holds for every operation and is therefore said at none.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{Content, Object, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema};

/// The description of what a server of HTTP answers before it knows what is asked for.
const HEAD_TOO_LARGE: &str = "HeadTooLarge";

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
        let mut head = Response::new("The request's head is too large. There is no body.");
        head.content.clear();
        let name = HEAD_TOO_LARGE.to_owned();
        components.responses.insert(name, RefOr::T(head));
        let mut bodies = BTreeSet::new();
        for (path, item) in &mut document.paths.paths {
            let of_api = path.starts_with("/v1/");
            for operation in operations(item) {
                describe(operation);
                bodies.extend(body_name(operation));
                let head = RefOr::Ref(Ref::from_response_name(HEAD_TOO_LARGE));
                let responses = &mut operation.responses.responses;
                responses.entry("431".to_owned()).or_insert(head);
                if of_api {
                    complete(operation);
                }
            }
        }
        // A schema that is a part of others can't say that there are no other fields.
        let parts: BTreeSet<String> = components.schemas.values().flat_map(parts).collect();
        for name in bodies.difference(&parts) {
            if let Some(RefOr::T(Schema::Object(body))) = components.schemas.get_mut(name) {
                close(body);
            }
        }
    }
}

/// The schemas that one is put together from, by name.
fn parts(schema: &RefOr<Schema>) -> Vec<String> {
    let RefOr::T(Schema::AllOf(all)) = schema else {
        return Vec::new();
    };
    all.items.iter().filter_map(name).collect()
}

fn name(schema: &RefOr<Schema>) -> Option<String> {
    match schema {
        RefOr::Ref(schema) => schema.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    }
}

/// The schema of an operation's body, by name.
fn body_name(operation: &Operation) -> Option<String> {
    let RefOr::T(body) = operation.request_body.as_ref()? else {
        return None;
    };
    let RefOr::T(content) = body.content.get("application/json")? else {
        return None;
    };
    content.schema.as_ref().and_then(name)
}

/// Fields that nobody knows are refused.
fn close(body: &mut Object) {
    body.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
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
