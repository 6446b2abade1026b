//! All kinds.

use genai::adapter::AdapterKind;

use super::{AuthStyle, Kind};
use crate::anthropic::Anthropic;
use crate::chat::Chat;
use crate::gemini::Gemini;
use crate::ollama::Ollama;
use crate::responses::Responses;

/// Every kind but the scripted one.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        base_url: None,
        enforces_schema: true,
        ..chat("openai_chat", "", AdapterKind::OpenAI)
    },
    Kind {
        name: "openai_responses",
        base_url: Some("https://api.openai.com/v1/"),
        auth: AuthStyle::Bearer,
        family: &Responses,
        adapter: AdapterKind::OpenAIResp,
        enforces_schema: true,
    },
    enforcing(anthropic(
        "anthropic",
        "https://api.anthropic.com/v1/",
        AdapterKind::Anthropic,
    )),
    Kind {
        name: "gemini",
        base_url: Some("https://generativelanguage.googleapis.com/v1beta/"),
        auth: AuthStyle::XGoogApiKey,
        family: &Gemini,
        adapter: AdapterKind::Gemini,
        enforces_schema: true,
    },
    ollama("ollama", "http://localhost:11434/"),
    ollama("ollama_cloud", "https://ollama.com/"),
    chat(
        "aihubmix",
        "https://aihubmix.com/v1/",
        AdapterKind::Aihubmix,
    ),
    chat(
        "aliyun",
        "https://dashscope.aliyuncs.com/compatible-mode/v1/",
        AdapterKind::Aliyun,
    ),
    chat(
        "api_route",
        "https://global.api-route.com/v1/",
        AdapterKind::ApiRoute,
    ),
    chat(
        "atlascloud",
        "https://api.atlascloud.ai/v1/",
        AdapterKind::AtlasCloud,
    ),
    // genai's adapters of Baidu and Z.ai go to fixed addresses, past the desk.
    chat(
        "baidu",
        "https://qianfan.baidubce.com/v2/",
        AdapterKind::OpenAI,
    ),
    chat(
        "bigmodel",
        "https://open.bigmodel.cn/api/paas/v4/",
        AdapterKind::BigModel,
    ),
    chat(
        "cloudgpu",
        "https://cloudgpu.app/v1/",
        AdapterKind::CloudGpu,
    ),
    // Cohere's own format has no tools in genai; this is what it offers to OpenAI's clients.
    chat(
        "cohere",
        "https://api.cohere.ai/compatibility/v1/",
        AdapterKind::OpenAI,
    ),
    chat(
        "deepseek",
        "https://api.deepseek.com/v1/",
        AdapterKind::DeepSeek,
    ),
    enforcing(chat(
        "fireworks",
        "https://api.fireworks.ai/inference/v1/",
        AdapterKind::Fireworks,
    )),
    chat(
        "github_models",
        "https://models.github.ai/inference/",
        AdapterKind::OpenAI,
    ),
    chat("groq", "https://api.groq.com/openai/v1/", AdapterKind::Groq),
    chat("heabsy", "https://api.heabsy.com/v1/", AdapterKind::Heabsy),
    chat("kimi", "https://api.moonshot.ai/v1/", AdapterKind::Kimi),
    chat("mimo", "https://api.mimo.com/openai/v1/", AdapterKind::Mimo),
    anthropic(
        "minimax",
        "https://api.minimax.io/anthropic/v1/",
        AdapterKind::MiniMax,
    ),
    enforcing(chat(
        "mistral",
        "https://api.mistral.ai/v1/",
        AdapterKind::Mistral,
    )),
    chat(
        "moonshot",
        "https://api.moonshot.cn/v1/",
        AdapterKind::Moonshot,
    ),
    chat(
        "nebius",
        "https://api.studio.nebius.ai/v1/",
        AdapterKind::Nebius,
    ),
    chat("omlx", "http://127.0.0.1:8000/v1/", AdapterKind::Omlx),
    chat(
        "opencode_go",
        "https://opencode.ai/zen/go/v1/",
        AdapterKind::OpenAI,
    ),
    enforcing(chat(
        "openrouter",
        "https://openrouter.ai/api/v1/",
        AdapterKind::OpenRouter,
    )),
    chat(
        "qwen_cloud",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/",
        AdapterKind::QwenCloud,
    ),
    chat(
        "requesty",
        "https://router.requesty.ai/v1/",
        AdapterKind::Requesty,
    ),
    chat(
        "runcrate",
        "https://api.runcrate.ai/v1/",
        AdapterKind::Runcrate,
    ),
    enforcing(chat(
        "together",
        "https://api.together.xyz/v1/",
        AdapterKind::Together,
    )),
    enforcing(chat("xai", "https://api.x.ai/v1/", AdapterKind::Xai)),
    chat("zai", "https://api.z.ai/api/paas/v4/", AdapterKind::OpenAI),
];

const fn chat(name: &'static str, base_url: &'static str, adapter: AdapterKind) -> Kind {
    Kind {
        name,
        base_url: Some(base_url),
        auth: AuthStyle::Bearer,
        family: &Chat,
        adapter,
        enforces_schema: false,
    }
}

const fn enforcing(kind: Kind) -> Kind {
    Kind {
        enforces_schema: true,
        ..kind
    }
}

const fn anthropic(name: &'static str, base_url: &'static str, adapter: AdapterKind) -> Kind {
    Kind {
        name,
        base_url: Some(base_url),
        auth: AuthStyle::XApiKey,
        family: &Anthropic,
        adapter,
        enforces_schema: false,
    }
}

const fn ollama(name: &'static str, base_url: &'static str) -> Kind {
    Kind {
        name,
        base_url: Some(base_url),
        auth: AuthStyle::Bearer,
        family: &Ollama,
        adapter: AdapterKind::Ollama,
        enforces_schema: true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_bases_end_in_a_slash() {
        let names: BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            let base = kind.base_url.unwrap_or("http://h/");
            assert!(base.starts_with("http") && base.ends_with('/'), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn addresses_are_those_that_genai_knows() {
        crate::client::http_client().unwrap();
        let genai = genai::Client::new().unwrap();
        for kind in KINDS {
            // What is drafted in the words of another has no address that genai knows.
            if kind.adapter == AdapterKind::OpenAI || kind.name == "ollama_cloud" {
                continue;
            }
            let model = genai::ModelIden::new(kind.adapter, "m");
            let target = genai.resolve_service_target(model).await.unwrap();
            assert_eq!(Some(target.endpoint.base_url()), kind.base_url, "{kind:?}");
        }
    }
}
