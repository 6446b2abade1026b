use std::collections::BTreeMap;

use runloom_domain::{
    EncryptedSecret, HttpToolId, OrgId, Timestamp, ToolClass, ToolDefinition, UserId,
};

/// How calls are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpMethod {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

impl HttpMethod {
    /// All of them, by their names.
    pub const NAMED: [(&str, Self); 3] = [
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
    ];

    /// The name in HTTP, in the API and in databases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }

    /// The method of this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::NAMED.into_iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, method)| method)
    }
}

/// A header whose value nobody is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: EncryptedSecret,
}

/// What an HTTP tool consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpToolSettings {
    /// As models see it. The name is the tool's within the organisation.
    pub definition: ToolDefinition,
    /// Where calls are sent to.
    pub url: String,
    /// How.
    pub method: HttpMethod,
    /// Headers that are sent with each call.
    pub headers: BTreeMap<String, String>,
    /// One more, whose value is secret.
    pub secret_header: Option<SecretHeader>,
    /// What calls are signed with.
    pub signing_secret: EncryptedSecret,
    /// What a crash in mid-call means.
    pub class: ToolClass,
    /// How long a call may take, in milliseconds.
    pub timeout_ms: u64,
    /// Whether it may be used.
    pub enabled: bool,
}

/// An HTTP tool to be stored.
#[derive(Clone, Debug)]
pub struct NewHttpTool {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub tool_id: HttpToolId,
    /// What it consists of.
    pub settings: HttpToolSettings,
    /// Who makes it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// An HTTP tool as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpToolRecord {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub tool_id: HttpToolId,
    /// What it consists of.
    pub settings: HttpToolSettings,
    /// Raised by each change, from 1.
    pub version: u64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<NewHttpTool> for HttpToolRecord {
    fn from(new: NewHttpTool) -> Self {
        Self {
            org_id: new.org_id,
            tool_id: new.tool_id,
            settings: new.settings,
            version: 1,
            created_by: new.created_by,
            created_at: new.created_at,
            updated_at: new.created_at,
        }
    }
}

/// The texts of an HTTP tool, for whoever stores them.
pub fn http_tool_texts(settings: &HttpToolSettings) -> impl Iterator<Item = &str> {
    let definition = &settings.definition;
    let headers = settings.headers.iter();
    [
        definition.name.as_str(),
        &definition.description,
        &settings.url,
    ]
    .into_iter()
    .chain(headers.flat_map(|(name, value)| [name.as_str(), value]))
    .chain(
        settings
            .secret_header
            .iter()
            .map(|header| header.name.as_str()),
    )
}
