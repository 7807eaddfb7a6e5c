"""Drives ASGI and WSGI applications without a server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Headers = list[tuple[bytes, bytes]]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]


def scope(kind: str = "http", **facts: Any) -> dict[str, Any]:
    """A scope as a server makes it, with `facts` over it."""
    common: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"app.example")],
        "client": ("192.0.2.7", 50000),
        "server": ("192.0.2.1", 80),
        "extensions": {},
    }
    if kind == "http":
        common["method"] = "GET"
    return common | facts


def asgi(app: Any, scope: dict[str, Any]) -> list[Message]:
    """The messages that an ASGI application sends, in an event loop of its own."""
    return asyncio.run(exchange(app, scope))


async def exchange(app: Any, scope: dict[str, Any]) -> list[Message]:
    """The messages that an ASGI application sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{scope['type']}.connect" if scope["type"] == "websocket" else "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def answer(headers: Any = (), status: int = 200, body: bytes = b"hello") -> ASGIApp:
    """An ASGI application with one answer."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def environ(**facts: Any) -> dict[str, Any]:
    """An environ as a server makes it, with `facts` over it; `None` takes one away."""
    common: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "app.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "app.example",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }
    common |= facts
    return {key: value for key, value in common.items() if value is not None}


class Started:
    """What a WSGI server is told."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.arguments: tuple[Any, ...] = ()
        self.written: list[bytes] = []

    def __call__(self, *arguments: Any) -> Callable[[bytes], object]:
        self.arguments = arguments
        self.status, self.headers = arguments[:2]
        return self.written.append


def wsgi(app: Any, environ: dict[str, Any]) -> tuple[Started, Iterable[bytes]]:
    """What a WSGI application starts with, and its iterable."""
    started = Started()
    return started, app(environ, started)
