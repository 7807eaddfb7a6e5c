from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from typing_extensions import disjoint_base

from mantlet.cross_origin import ASGIApp

__all__ = ["CrossOriginIsolation"]

@disjoint_base
class CrossOriginIsolation:
    def __init__(
        self,
        app: ASGIApp,
        *,
        opener_policy: str | None = "same-origin",
        embedder_policy: str | None = "require-corp",
        resource_policy: str | None = "same-site",
    ) -> None: ...
    def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> Awaitable[None]: ...
    @property
    def app(self) -> ASGIApp: ...
    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]: ...
