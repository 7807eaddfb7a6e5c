"""One middleware for ASGI and WSGI."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, MutableMapping
from typing import Any

from mantlet._compiled import compiled
from mantlet._mantlet import Middleware, Policy
from mantlet._preset import Preset


class Mantlet(Middleware):
    """A policy around an ASGI or WSGI application: hosts, cross-origin protection, headers and nonce in one pass.

    `policy` is a `Policy`, a `Preset`, or the path of a policy file. A policy that is wrong raises `PolicyError`, and a
    file that cannot be read too.

    A file is followed: a request that comes `follow` seconds after the last look, or later, looks whether it has
    changed, and what it says then is in force. A file that is wrong, empty or gone by then leaves the policy as it is;
    of one that is wrong or empty the log says so once. With `None` the file is read once, and a `Policy` or a `Preset`
    never changes.

    `redis` is a client that asks the store of a policy file's limits in the place of a connection of ours, such as a
    `redis.asyncio.Redis` or `RedisCluster`; a `Policy` is given it itself. A request is only made to wait where a limit
    of the policy has `store = "redis"`.

    Put it outermost, so that errors and redirects of every other middleware pass it; a CORS middleware goes inside.
    `scope["mantlet"]` or `environ["mantlet"]` is the `Permit` of the request. Denials are logged under the logger
    `mantlet`, with their reason.

    Whether a call is ASGI or WSGI is told by its arguments: three or two. There is no thread in it, so a server may
    load it before it forks.
    """

    def __new__(
        cls,
        app: Callable[..., Any],
        policy: Policy | Preset | str | os.PathLike[str] = "mantlet.toml",
        *arguments: Any,
        follow: float | None = 1.0,
        redis: Any = None,
        **keywords: Any,
    ) -> Mantlet:
        return super().__new__(cls, app, policy if not isinstance(policy, Preset) else compiled(policy), follow, redis)

    def __init__(
        self,
        app: Callable[..., Any],
        policy: Policy | Preset | str | os.PathLike[str] = "mantlet.toml",
        *,
        follow: float | None = 1.0,
        redis: Any = None,
    ) -> None:
        super().__init__()
        # Servers look for a coroutine function in `app.__call__`. Python itself calls that of the type, so a request is
        # spared the coroutine.
        if type(self).__call__ is Middleware.__call__ and _is_asgi(app):
            self.__dict__["__call__"] = self._awaited

    async def _awaited(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Any],
        send: Callable[[MutableMapping[str, Any]], Any],
    ) -> None:
        await self(scope, receive, send)


def _is_asgi(app: Callable[..., Any]) -> bool:
    """Whether an application is ASGI: a coroutine function, or a callable of three arguments."""
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004
        return True
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters) >= 3
