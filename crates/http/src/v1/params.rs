//! Parameters that many endpoints share, as the OpenAPI document shows them. Reading them is
//! the extractors' work.

#![expect(dead_code, reason = "read by the OpenAPI generator only")]

use utoipa::IntoParams;

/// A page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Rows at most.
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<u32>,
    /// Where the page begins: `X-Next-Cursor` of the page before.
    #[param(pattern = "^AQ[A-L][A-Za-z0-9_-]{30}[AQgw]$", nullable = false)]
    before: Option<String>,
}

/// Makes a creating request happen once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct OnceParams {
    /// Same key and same body within 24 h: the first answer again. Printable ASCII.
    #[param(
        rename = "Idempotency-Key",
        pattern = "^[!-~]([ -~]*[!-~])?$",
        min_length = 1,
        max_length = 255,
        nullable = false
    )]
    idempotency_key: Option<String>,
}

/// Which usage is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParams {
    /// The first moment; 30 days before `to` when absent.
    #[param(format = DateTime, nullable = false)]
    from: Option<String>,
    /// The first moment that doesn't count any more; now when absent. At most 366 days after
    /// `from`.
    #[param(format = DateTime, nullable = false)]
    to: Option<String>,
    /// `day`, `model`, `persona` or `user`
    #[param(
        default = "day",
        pattern = "^(day|model|persona|user)$",
        nullable = false
    )]
    group_by: Option<String>,
}

/// Which records of the audit log are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only this action, such as `member.removed`.
    #[param(pattern = "^[a-z_.]{1,64}$", nullable = false)]
    action: Option<String>,
    /// Only what this person or service account has done, by their keys too.
    #[param(format = Uuid, nullable = false)]
    actor: Option<String>,
    /// Only what was done to the thing with this id; of a persona its key.
    #[param(pattern = "^[!-~]{1,200}$", nullable = false)]
    subject: Option<String>,
    /// Only from this moment on.
    #[param(format = DateTime, nullable = false)]
    from: Option<String>,
    /// Only before this moment.
    #[param(format = DateTime, nullable = false)]
    to: Option<String>,
}

/// Makes a change happen to the version that the client has seen, or not at all.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatchParams {
    /// The `ETag` of that version; absent changes whichever is there.
    #[param(rename = "If-Match", nullable = false)]
    if_match: Option<String>,
}
