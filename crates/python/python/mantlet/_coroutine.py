"""What an ASGI application in Rust shows to those who ask whether it is a coroutine function."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any


async def called(
    self: Callable[..., Awaitable[None]],
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Call the application and wait for it."""
    await self(scope, receive, send)
