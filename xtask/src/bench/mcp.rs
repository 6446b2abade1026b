//! A server of tools whose only tool says back what it is told, so that what a call costs is what
//! the call costs us: by HTTP, and by standard streams in a process of its own.

use crate::mock::Mock;
use actix_web::web::Json;
use actix_web::{HttpResponse, post};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};

/// The name of the tool.
pub(crate) const TOOL: &str = "echo";

/// Starts the one that is reached by HTTP, with `/mcp` as its path.
pub(crate) fn http() -> Result<Mock> {
    Mock::start(|services| {
        services.service(take);
    })
    .context("no server of tools")
}

#[post("/mcp")]
async fn take(message: Json<Value>) -> HttpResponse {
    match reply(&message) {
        Some(reply) => HttpResponse::Ok().json(reply),
        None => HttpResponse::Accepted().finish(),
    }
}

/// `cargo xtask bench-mcp`: the one that is spoken to by standard streams, until its input ends.
pub(crate) fn run() -> Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.context("can't read a message")?;
        let message = serde_json::from_str(&line).context("a message is no JSON")?;
        if let Some(reply) = reply(&message) {
            writeln!(output, "{reply}").context("can't write a message")?;
            output.flush().context("can't write a message")?;
        }
    }
    Ok(())
}

/// What a message is answered with, unless it wants no answer.
fn reply(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    let parameters = &message["params"];
    let result = match message["method"].as_str()? {
        "initialize" => json!({
            "protocolVersion": parameters["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "bench", "version": "1" },
        }),
        "tools/list" => json!({ "tools": [{
            "name": TOOL,
            "description": "Says back what it is told.",
            "inputSchema": {
                "type": "object",
                "properties": { "n": { "type": "integer" } },
                "required": ["n"],
            },
        }] }),
        "tools/call" => {
            let text = parameters["arguments"]["n"].to_string();
            json!({ "content": [{ "type": "text", "text": text }] })
        }
        _ => {
            let error = json!({ "code": -32601, "message": "there is no such method" });
            return Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
        }
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_back_what_it_is_told() {
        let call = json!({ "id": 7, "method": "tools/call",
            "params": { "name": TOOL, "arguments": { "n": 42 } } });
        let said = reply(&call).unwrap();
        assert_eq!(said["id"], 7);
        assert_eq!(said["result"]["content"][0]["text"], "42");
        assert_eq!(
            reply(&json!({ "method": "notifications/initialized" })),
            None
        );
        let other = reply(&json!({ "id": 1, "method": "server/discover" })).unwrap();
        assert_eq!(other["error"]["code"], -32601);
    }
}
