"""The middleware for ASGI applications."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from types import MethodType
from typing import Any, Protocol

from mantlet._mantlet import _AsgiHeaders
from mantlet.secure import MULTI_OK, Secure, _outgoing

__all__ = ["MULTI_OK", "ASGIApp", "SecureASGIMiddleware"]


class ASGIApp(Protocol):
    """An ASGI application."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...


class SecureASGIMiddleware(_AsgiHeaders):
    """Puts the headers of `secure` into every HTTP response of `app`; other scopes pass untouched.

    A header of the application with the name of one of ours goes away, in any case; for names in `multi_ok` both are
    sent. Names are sent in lower case. Later changes of `secure` count from the next response on.

    `secure` is `Secure.with_default_headers()` if it is not given, `multi_ok` is `MULTI_OK`. Errors in the headers are
    raised where the application sends: `ValueError` for a name that is repeated in `secure`, `UnicodeEncodeError` for
    what is not latin-1.
    """

    def __init__(self, app: object, *, secure: Secure | None = None, multi_ok: Iterable[str] | None = None) -> None:
        names = [name.strip().lower() for name in (MULTI_OK if multi_ok is None else multi_ok)]
        self._configure(app, Secure.with_default_headers() if secure is None else secure, names, _outgoing)
        # servers look at app.__call__ to tell ASGI from WSGI; a call goes through the type and never comes here
        if type(self).__call__ is _AsgiHeaders.__call__:
            self.__dict__["__call__"] = MethodType(_call, self)


async def _call(self: SecureASGIMiddleware, scope: Any, receive: Any, send: Any) -> None:
    await self(scope, receive, send)
