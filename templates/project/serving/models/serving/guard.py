"""What happens to every request before and after the application: identity, size limit, counting.

One class at the lowest level instead of several layers: each layer of middleware costs as much as a prediction.
"""

import logging
import re
import time
import uuid
from threading import Lock

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER = logging.getLogger(__name__)
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Counters:
    """Named sums, written as text that Prometheus reads."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._lock = Lock()

    def add(self, name: str, amount: float = 1) -> None:
        """Add to a sum."""
        with self._lock:
            self._sums[name] = self._sums.get(name, 0) + amount

    def as_text(self) -> str:
        """List all sums, one a line."""
        with self._lock:
            return "".join(f"{name} {value:.10g}\n" for name, value in sorted(self._sums.items()))


class Guard:
    """Gives each request an identity, refuses bodies beyond a size, counts answers.

    Parameters
    ----------
    app : ASGI application
        What answers.
    counters : Counters
        Gets the number of answers by status, and the seconds they took.
    most_bytes : int
        Size of a body from which it is refused; counted as it arrives, whatever its header says.
    """

    def __init__(self, app: ASGIApp, counters: Counters, most_bytes: int) -> None:
        self._app = app
        self._counters = counters
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, received, answering = time.perf_counter(), 0, False

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise HTTPException(413, "the body is too large")
            return message

        async def send_marked(message: Message) -> None:
            nonlocal answering
            answering = True
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
                self._counters.add('http_responses_total{status="' + str(message["status"]) + '"}')
                self._counters.add("http_seconds_total", time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive_limited, send_marked)
        except Exception:
            LOGGER.exception("request %s failed", request_id)
            if answering:
                raise
            await JSONResponse({"detail": "internal error"}, status_code=500)(scope, receive, send_marked)
