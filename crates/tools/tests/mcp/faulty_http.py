"""A server of tools by HTTP, with a fault that its argument names. Says its port first."""

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULT = sys.argv[1]
SEEN = {"token": 0, "tokens": 0, "initialized": 0, "calls": 0, "cancelled": 0, "resource": None}
FOREVER = threading.Event()
NAME = {"type": "object", "properties": {"name": {"type": "string"}}}


def question(text):
    params = {"mode": "form", "message": text, "requestedSchema": NAME}
    return {"method": "elicitation/create", "params": params}


def modern(params):
    """Forgets every call, and asks for all that it needs to know (2026-07-28)."""
    if FAULT == "modern-insatiable":
        return {"resultType": "input_required", "requestState": "more"}
    if params.get("requestState") is None:
        needs = {"a": question("One?"), "b": question("Two?")}
        return {"resultType": "input_required", "inputRequests": needs, "requestState": "first"}
    if params["requestState"] == "first":
        SEEN["answers"] = params["inputResponses"]
        return {"resultType": "input_required", "requestState": "second"}
    said = json.dumps([params["requestState"], SEEN["answers"]])
    return {"resultType": "complete", "content": [{"type": "text", "text": said}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def result(self, message, result, **headers):
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        self.reply(200, json.dumps(body).encode(), **headers)

    def token(self, body):
        right = "Basic " + base64.b64encode(b"an+id:a%3Asecret").decode()
        if self.headers["authorization"] != right:
            return self.reply(401, b"{}")
        SEEN["resource"] = body.decode()
        SEEN["token"] += 1
        SEEN["tokens"] += 1
        lasts = 1 if FAULT == "auth-short" else 3600
        answer = {"access_token": f"t{SEEN['token']}", "token_type": "Bearer", "expires_in": lasts}
        return self.reply(200, json.dumps(answer).encode())

    def do_GET(self):
        if self.path == "/seen":
            return self.reply(200, json.dumps(SEEN).encode())
        return self.reply(405)

    def do_DELETE(self):
        self.reply(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        if self.path == "/token":
            return self.token(body)
        if self.path == "/revoke":
            SEEN["token"] += 1
            return self.reply(200)
        if FAULT.startswith("auth") and self.headers["authorization"] != f"Bearer t{SEEN['token']}":
            return self.reply(401, b"who are you?", "text/plain")
        if FAULT == "redirect":
            return self.reply(307, location="http://169.254.169.254/")
        message = json.loads(body)
        method = message.get("method")
        if method == "server/discover" and FAULT.startswith("modern"):
            return self.result(message, {
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                "ttlMs": 0, "cacheScope": "private",
            })
        if method == "initialize":
            SEEN["initialized"] += 1
            info = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
            info["serverInfo"] = {"name": "faulty", "version": "1"}
            return self.result(message, info, mcp_session_id=f"s{SEEN['initialized']}")
        if "id" not in message or method is None:
            SEEN["cancelled"] += method == "notifications/cancelled"
            return self.reply(202)
        if method == "tools/list":
            return self.result(message, {"resultType": "complete", "tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})
        if method == "tools/call":
            return self.call(message)
        error = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}}
        return self.reply(200, json.dumps(error).encode())

    def stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def call(self, message):
        SEEN["calls"] += 1
        if FAULT.startswith("modern"):
            return self.result(message, modern(message["params"]))
        if FAULT == "session" and self.headers["mcp-session-id"] == "s1":
            return self.reply(404)
        if FAULT == "error":
            return self.reply(500, b"oh no", "text/plain")
        if FAULT == "busy":
            return self.reply(503, b"later", "text/plain")
        if FAULT == "refuses":
            return self.reply(400, b"not like that", "text/plain")
        if FAULT == "hang":
            return FOREVER.wait()
        if FAULT == "huge":
            said = {"content": [{"type": "text", "text": "x" * 100_000_000}]}
            return self.result(message, said)
        if FAULT == "huge-event":
            self.stream()
            while True:
                self.wfile.write(b"data: " + b"x" * (1 << 20))
        if FAULT == "flood":
            self.stream()
            step = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
            while True:
                self.wfile.write(b"data: " + json.dumps(step).encode() + b"\n\n")
        said = json.dumps(message["params"].get("arguments"))
        return self.result(message, {"content": [{"type": "text", "text": said}]})


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
