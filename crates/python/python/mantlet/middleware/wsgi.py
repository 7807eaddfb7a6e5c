"""The middleware for WSGI applications."""

from __future__ import annotations

from collections.abc import Iterable

from mantlet._mantlet import _WsgiHeaders
from mantlet.secure import MULTI_OK, Secure, _outgoing

__all__ = ["MULTI_OK", "SecureWSGIMiddleware"]


class SecureWSGIMiddleware(_WsgiHeaders):
    """Puts the headers of `secure` into every response of `app`.

    A header of the application with the name of one of ours goes away, in any case; for names in `multi_ok` both are
    sent. Later changes of `secure` count from the next response on.

    `secure` is `Secure.with_default_headers()` if it is not given, `multi_ok` is `MULTI_OK`. Errors in the headers are
    raised where the application calls `start_response`.
    """

    def __init__(self, app: object, *, secure: Secure | None = None, multi_ok: Iterable[str] | None = None) -> None:
        names = [name.strip().lower() for name in (MULTI_OK if multi_ok is None else multi_ok)]
        self._configure(app, Secure.with_default_headers() if secure is None else secure, names, _outgoing)
