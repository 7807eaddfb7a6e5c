"""What the servers of `test_detection.py` serve: the same policy around an ASGI and a WSGI application."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from mantlet import Mantlet, Policy

Message = MutableMapping[str, Any]
POLICY = Policy("[[route]]\npath = '/docs'\nheaders.x-route = 'docs'\n", tell_reason=True, headers={"x-route": "root"})


async def hello(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        assert message["type"] == "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
    else:
        body = f"asgi {scope['mantlet'].client}".encode()
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def hello_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = f"wsgi {environ['mantlet'].client}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


app = Mantlet(hello, POLICY)
wsgi = Mantlet(hello_wsgi, POLICY)
