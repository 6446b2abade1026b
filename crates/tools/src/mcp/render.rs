//! What a model gets to see of a result.

use rmcp::model::{CallToolResult, ContentBlock, EmbeddedResource, ResourceContents};
use serde_json::Value;

/// The text of a result. What isn't text stands there as a line that says what it is, and the
/// whole result follows as JSON, so that whoever reads the stored output has it all.
pub(super) fn text(result: &CallToolResult) -> String {
    let mut parts: Vec<String> = result.content.iter().map(block).collect();
    if let Some(structured) = &result.structured_content
        && !says(&parts, structured)
    {
        parts.push(structured.to_string());
    }
    if result.content.iter().any(is_binary)
        && let Ok(whole) = serde_json::to_string(result)
    {
        parts.push(whole);
    }
    parts.join("\n")
}

/// Servers are told to repeat structured content as text, for clients that know text alone.
fn says(parts: &[String], structured: &Value) -> bool {
    parts
        .iter()
        .any(|part| serde_json::from_str::<Value>(part).is_ok_and(|value| value == *structured))
}

fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => binary("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => binary("audio", &audio.mime_type, &audio.data),
        ContentBlock::Resource(resource) => embedded(resource),
        ContentBlock::ResourceLink(link) => format!("[resource {}: {}]", link.name, link.uri),
        _ => "[content of another kind]".into(),
    }
}

fn embedded(resource: &EmbeddedResource) -> String {
    match &resource.resource {
        ResourceContents::TextResourceContents { uri, text, .. } => format!("[{uri}]\n{text}"),
        ResourceContents::BlobResourceContents {
            uri,
            mime_type,
            blob,
            ..
        } => binary(
            &format!("resource {uri}"),
            mime_type.as_deref().unwrap_or("unknown type"),
            blob,
        ),
        _ => "[resource of another kind]".into(),
    }
}

fn is_binary(block: &ContentBlock) -> bool {
    match block {
        ContentBlock::Text(_) | ContentBlock::ResourceLink(_) => false,
        ContentBlock::Resource(resource) => !matches!(
            resource.resource,
            ResourceContents::TextResourceContents { .. }
        ),
        _ => true,
    }
}

fn binary(what: &str, kind: &str, base64: &str) -> String {
    format!("[{what}, {kind}, about {} bytes]", base64.len() / 4 * 3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(result: Value) -> String {
        text(&serde_json::from_value(result).unwrap())
    }

    #[test]
    fn structured_content_is_shown_once() {
        let both = json!({
            "content": [{"type": "text", "text": "{\"a\": 1}"}],
            "structuredContent": {"a": 1},
        });
        assert_eq!(shown(both), "{\"a\": 1}");
        let other = json!({
            "content": [{"type": "text", "text": "one"}],
            "structuredContent": {"a": 1},
        });
        assert_eq!(shown(other), "one\n{\"a\":1}");
        assert_eq!(
            shown(json!({"content": [], "structuredContent": {"a": 1}})),
            "{\"a\":1}"
        );
    }

    #[test]
    fn an_image_is_named_and_kept() {
        let image = json!({
            "content": [{"type": "image", "mimeType": "image/png", "data": "AAAA"}],
        });
        let shown = shown(image);
        let (line, whole) = shown.split_once('\n').unwrap();
        assert_eq!(line, "[image, image/png, about 3 bytes]");
        let whole: Value = serde_json::from_str(whole).unwrap();
        assert_eq!(whole["content"][0]["data"], "AAAA");
    }

    #[test]
    fn texts_of_resources_are_text() {
        let resource = json!({"content": [
            {"type": "resource", "resource": {"uri": "file:///a", "text": "A"}},
            {"type": "resource_link", "uri": "file:///b", "name": "b"},
        ]});
        assert_eq!(shown(resource), "[file:///a]\nA\n[resource b: file:///b]");
    }
}
