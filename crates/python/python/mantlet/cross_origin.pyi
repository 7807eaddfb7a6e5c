from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from typing_extensions import disjoint_base

__all__ = [
    "ASGIApp",
    "CrossOriginProtection",
    "InvalidExemptPathError",
    "InvalidTrustedOriginError",
    "UnsafeDefaultWarning",
]

_Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ASGIApp: TypeAlias = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]

class InvalidTrustedOriginError(ValueError):
    value: str
    reason: str
    def __init__(self, value: str, reason: str) -> None: ...

class InvalidExemptPathError(ValueError):
    value: str
    reason: str
    def __init__(self, value: str, reason: str = "the path is absolute: it starts with /") -> None: ...

class UnsafeDefaultWarning(UserWarning): ...

@disjoint_base
class CrossOriginProtection:
    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_origins: Iterable[str] = (),
        exempt_paths: Iterable[str] = (),
        deny_app: ASGIApp | None = None,
        allow_unverifiable_requests: bool = True,
    ) -> None: ...
    def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> Awaitable[None]: ...
    @property
    def app(self) -> ASGIApp: ...
    @property
    def deny_app(self) -> ASGIApp: ...
    @property
    def allowed_origins(self) -> frozenset[str]: ...
    @property
    def exempt_paths(self) -> tuple[str, ...]: ...
    @property
    def allow_unverifiable_requests(self) -> bool: ...

async def deny(scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None: ...
