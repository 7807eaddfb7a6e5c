"""The ASGI messages of an answer in the application's place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


async def http(send: _Send, reply: _Reply) -> None:
    """Sends a whole response."""
    await _response(send, "http.response", reply)


async def websocket(send: _Send, extensions: Mapping[str, Any] | None, reply: _Reply) -> None:
    """Refuses a handshake: with the whole response where the server can send one, else with its own 403."""
    if extensions is not None and "websocket.http.response" in extensions:
        await _response(send, "websocket.http.response", reply)
    else:
        await send({"type": "websocket.close", "code": 1008})


async def _response(send: _Send, kind: str, reply: _Reply) -> None:
    status, headers, body = reply
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
