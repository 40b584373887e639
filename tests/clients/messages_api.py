"""A stand-in for the Messages API on loopback: it plays the model that a real client asks what to do.

It makes scripted tool calls, one a turn, and follows a job to its end as the reply's next step says. Its log
holds what the model would have seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Call", "Model", "playing"]

_SCRIPTED = "toolu_scripted"


@dataclass(frozen=True)
class Call:
    """One tool call of the script; `tool` without the client's prefix."""

    tool: str
    arguments: dict[str, Any]


@dataclass
class Model:
    """The scripted model.

    Parameters
    ----------
    prefix : str
        What the client puts before the tools' names.
    script : sequence of Call
        What to call, in this order.
    seen : list
        What came back, in order: the tool called, whether it was an error, and the text.
    tools : list
        Names of the tools the client offered last.
    """

    prefix: str
    script: Sequence[Call]
    seen: list[tuple[str, bool, str]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The content block that the model answers with."""
        self.tools = [tool["name"] for tool in request.get("tools", [])]
        if not self.tools:  # the client asks for a title or the like
            return {"type": "text", "text": "ok"}
        results = _results(request["messages"])
        self.seen = [(name, failed, text) for _, name, failed, text in results]
        running = _running_job(self.seen)
        taken = sum(call_id.startswith(_SCRIPTED) for call_id, *_ in results)
        if running is not None:
            call, kind = Call("job_status", {"job_id": running, "wait_seconds": 50}), "toolu_followed"
        elif taken < len(self.script):
            call, kind = self.script[taken], _SCRIPTED
        else:
            return {"type": "text", "text": "done"}
        call_id = f"{kind}_{len(results):04d}"
        return {"type": "tool_use", "id": call_id, "name": f"{self.prefix}{call.tool}", "input": call.arguments}


def _running_job(seen: Sequence[tuple[str, bool, str]]) -> str | None:
    """The job that the last reply says is running."""
    if not seen or seen[-1][1]:
        return None
    reply = json.loads(seen[-1][2])
    return str(reply["job_id"]) if reply["status"] == "running" else None


def _results(messages: list[dict[str, Any]]) -> list[tuple[str, str, bool, str]]:
    """Id and name of each call that came back, whether it failed, and its text."""
    names: dict[str, str] = {}
    results = []
    for message in messages:
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "tool_use":
                names[block["id"]] = block["name"]
            elif block["type"] == "tool_result":
                text = _text(block.get("content", ""))
                call_id = block["tool_use_id"]
                results.append((call_id, names[call_id], bool(block.get("is_error")), text))
    return results


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@contextmanager
def playing(model: Model) -> Iterator[str]:
    """Serve `model`; gives the address for ANTHROPIC_BASE_URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(model: Model) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            """Keep quiet."""

        def do_HEAD(self) -> None:
            self._send("application/json", b"")

        def do_GET(self) -> None:
            self._send("application/json", b"{}")

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
            if "count_tokens" in self.path or not self.path.startswith("/v1/messages"):
                self._send("application/json", b'{"input_tokens": 10}')
                return
            with lock:
                block = model.answer(request)
            stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
            if request.get("stream"):
                self._send("text/event-stream", _events(block, stop, request))
            else:
                self._send("application/json", json.dumps(_message([block], stop, request)).encode())

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _message(content: list[dict[str, Any]], stop: str | None, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", "scripted"),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def _events(block: dict[str, Any], stop: str, request: dict[str, Any]) -> bytes:
    """The answer as the stream of events that the API documents."""
    if block["type"] == "tool_use":
        empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    else:
        empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message([], None, request)},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)
