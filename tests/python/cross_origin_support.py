"""Requests for an ASGI middleware, made by hand: no server, no event loop, nothing that normalises what is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


def finish(awaitable: Awaitable[None]) -> None:
    """Run what never waits for anything."""
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration:
        return
    raise AssertionError("the application waits")


def http_scope(method: str = "POST", raw_path: bytes = b"/", headers: Any = (), **more: Any) -> dict[str, Any]:
    """The scope that a server makes of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "raw_path": raw_path,
        "path": unquote(raw_path.decode("latin-1")),
        "query_string": b"",
        "headers": list(headers),
        **more,
    }


def sent_by(application: Application, scope: Scope) -> list[Message]:
    """The messages that the application sends."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    finish(application(scope, receive, send))
    return messages


async def hello(scope: Scope, receive: Any, send: Any) -> None:
    """Answers 200."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


def status_of(application: Application, scope: Scope) -> int:
    """The status of the answer."""
    status = sent_by(application, scope)[0]["status"]
    assert isinstance(status, int)
    return status
