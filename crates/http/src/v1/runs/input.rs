use actix_web::HttpResponse;
use runloom_domain::{RequestId, RunId};
use runloom_engine::{GiveInput, GivenAnswer, InputError};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{not_found, sight};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, RunsWrite, Size};
use crate::v1::Done;

/// The longest answer.
const CONTENT: Size = Size::Bytes(1, 32 * 1024);

/// The most answers that are given at once.
const MAX_ANSWERS: usize = 64;

/// What a waiting run is answered: `content`, or several `answers`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct InputBody {
    /// For an approval `approve`, `reject` or JSON with a `decision`; for a question the text,
    /// or JSON that fits its schema if it has one; for a client's tool its result. At most 32,768
    /// bytes of UTF-8.
    #[schema(min_length = 1, max_length = 32_768)]
    content: Option<String>,
    /// Which request it answers; needed when several are open.
    #[schema(value_type = Option<Uuid>)]
    request_id: Option<RequestId>,
    /// Answers to several requests, instead of `content`: all are taken, or none.
    answers: Option<Vec<AnswerBody>>,
}

/// One of several answers.
#[derive(Deserialize, ToSchema)]
#[schema(as = InputAnswer)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// Which request it answers.
    #[schema(value_type = Uuid)]
    request_id: RequestId,
    /// As when it is the only one.
    #[schema(min_length = 1, max_length = 32_768)]
    content: String,
}

/// What a request answers.
pub(crate) struct Answers {
    answers: Vec<GivenAnswer>,
    /// Whether it is the one of `content`.
    is_alone: bool,
}

impl Body for Answers {
    fn from_fields(fields: &mut Fields) -> Self {
        if !fields.has("answers") {
            let answer = GivenAnswer {
                content: fields.text("content", CONTENT),
                request_id: fields.parsed("request_id"),
            };
            return Self {
                answers: vec![answer],
                is_alone: true,
            };
        }
        let answers: Option<Vec<AnswerBody>> = fields.formed("answers", check_answers);
        let given = |answer: AnswerBody| GivenAnswer {
            request_id: Some(answer.request_id),
            content: answer.content,
        };
        Self {
            answers: answers.into_iter().flatten().map(given).collect(),
            is_alone: false,
        }
    }
}

#[expect(clippy::ptr_arg, reason = "what is checked is what was read")]
fn check_answers(answers: &Vec<AnswerBody>) -> Result<(), String> {
    if !(1..=MAX_ANSWERS).contains(&answers.len()) {
        return Err(format!("must be 1 to {MAX_ANSWERS} answers"));
    }
    for (index, answer) in answers.iter().enumerate() {
        let content = CONTENT.check(&answer.content);
        content.map_err(|problem| format!("[{index}].content {problem}"))?;
    }
    Ok(())
}

/// Answers a waiting run. What is answered is in the log when this returns.
#[utoipa::path(
    post,
    path = "/v1/runs/{run_id}/input",
    tag = "runs",
    params(("run_id" = Uuid, Path)),
    request_body = InputBody,
    responses(
        (status = 200, description = "Taken.", body = Done),
        (status = 404, description = "`runs.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`runs.not_waiting`, `runs.not_active`, \
            `runs.arguments_changed`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, `runs.request_ambiguous`",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn give_input(call: Call<RunsWrite, RunId, (), Answers>) -> ApiResult {
    sight::visible(&call.state, &call.caller, call.path).await?;
    let input = GiveInput {
        org_id: call.caller.org_id,
        user_id: call.caller.user_id,
        run_id: call.path,
        answers: call.body.answers,
    };
    let is_alone = call.body.is_alone;
    let engine = call.state.engine();
    call.state
        .run(async move {
            engine
                .give_input(input)
                .await
                .map_err(|e| refused(e, is_alone))
        })
        .await?;
    Ok(HttpResponse::Ok().json(Done::OK))
}

fn refused(error: InputError, is_alone: bool) -> ApiError {
    match error {
        InputError::NoRun => not_found(),
        InputError::NotWaiting => ApiError::conflict(
            "runs.not_waiting",
            "the run is not waiting for input, or not for this",
        ),
        InputError::NotActive => {
            ApiError::conflict("runs.not_active", "the run has ended or is being cancelled")
        }
        InputError::Ambiguous(open) => ApiError::unprocessable(
            "runs.request_ambiguous",
            "several requests are open: name one by request_id",
        )
        .details(json!({ "request_ids": open })),
        InputError::Unfit { why, .. } if is_alone => ApiError::invalid_field("content", why),
        InputError::Unfit { index, why } => {
            ApiError::invalid_field(&format!("answers[{index}].content"), why)
        }
        InputError::OtherArguments => ApiError::conflict(
            "runs.arguments_changed",
            "the answer is for other arguments than those that are asked about",
        ),
        InputError::Store(error) => error.into(),
    }
}
