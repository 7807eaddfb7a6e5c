"""Cross-origin protection with the names and defaults of asgi-cross-origin-protection, and the decisions of the engine.

    from mantlet.cross_origin import CrossOriginProtection

    app = CrossOriginProtection(app, allowed_origins=["https://partner.example"])

`mantlet.Mantlet` does the same in one pass with hosts and header fields, and checks WebSocket handshakes too.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mantlet._mantlet import CrossOriginProtection

__all__ = [
    "ASGIApp",
    "CrossOriginProtection",
    "InvalidExemptPathError",
    "InvalidTrustedOriginError",
    "UnsafeDefaultWarning",
]

_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ASGIApp = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]
"""An ASGI application: scope, receive, send."""


class InvalidTrustedOriginError(ValueError):
    """An entry of `allowed_origins` is no `scheme://host[:port]` as a browser sends it."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(value, reason)
        self.value = value
        self.reason = reason

    def __str__(self) -> str:
        return f"allowed_origins: {self.value!r}: {self.reason}"


class InvalidExemptPathError(ValueError):
    """An entry of `exempt_paths` is no absolute path in normal form."""

    def __init__(self, value: str, reason: str = "the path is absolute: it starts with /") -> None:
        super().__init__(value, reason)
        self.value = value
        self.reason = reason

    def __str__(self) -> str:
        return f"exempt_paths: {self.value!r}: {self.reason}"


class UnsafeDefaultWarning(UserWarning):
    """A default that a compatibility class keeps for compatibility's sake, and that leaves something unprotected."""


_DENIAL = b'{"detail": "Cross-origin request rejected by middleware."}'


async def deny(scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
    """Answer 403 with a JSON `detail`."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_DENIAL)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": _DENIAL})
