"""What the hooks of frameworks share: a request judged and told to the log, and its target."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from mantlet._mantlet import Exchange, Policy

_log = logging.getLogger("mantlet")


def judged(
    policy: Policy,
    method: str,
    path: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    query: bytes | None,
    peer: str | None,
    tls: bool,
    authority: bytes | None = None,
    request: object = None,
) -> Exchange:
    """`Policy.on_request`; a denial is logged under `mantlet`, as the middleware logs it."""
    exchange = policy.on_request(
        method, path, headers, query=query, peer=peer, tls=tls, authority=authority, request=request
    )
    _told(exchange, method, path)
    return exchange


async def judged_async(
    policy: Policy,
    method: str,
    path: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    query: bytes | None,
    peer: str | None,
    tls: bool,
    authority: bytes | None = None,
    request: object = None,
) -> Exchange:
    """`Policy.on_request_async`, logged like `judged`."""
    exchange = await policy.on_request_async(
        method, path, headers, query=query, peer=peer, tls=tls, authority=authority, request=request
    )
    _told(exchange, method, path)
    return exchange


def _told(exchange: Exchange, method: str, path: bytes) -> None:
    if exchange.denial is not None:
        denial = exchange.denial
        _tell("denied", method, path, " ".join((denial.reason, *denial.limits)), denial.fix)
    elif exchange.permit is not None:
        for reason in exchange.permit.reported:
            _tell("would be denied", method, path, reason, None)


def judged_environ(policy: Policy, environ: Mapping[str, Any], request: object = None) -> Exchange:
    """`judged` by a WSGI environ: the path is as it came where the server tells it, else put together again."""
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if target:
        path, _, authority = split_target(target.encode("latin-1", "replace"))
    else:
        decoded = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        path, authority = quote(decoded.encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~").encode(), None
    return judged(
        policy,
        environ.get("REQUEST_METHOD", "GET"),
        path,
        [
            (name[5:].replace("_", "-").lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ],
        query=environ.get("QUERY_STRING", "").encode("latin-1", "replace") or None,
        peer=environ.get("REMOTE_ADDR") or None,
        tls=environ.get("wsgi.url_scheme") == "https",
        authority=authority,
        request=environ if request is None else request,
    )


def _tell(what: str, method: str, path: bytes, reason: str, fix: str | None) -> None:
    # as Python writes bytes: what the client sent cannot end the line
    _log.warning("%s: %s %s: %s (%s)", what, method, repr(path)[2:-1], reason, fix or "no advice")


def split_target(target: bytes) -> tuple[bytes, bytes | None, bytes | None]:
    """Path, query and authority of the target of a request line (RFC 9112 section 3.2); None for what it has not.

    >>> split_target(b"/a?b")
    (b'/a', b'b', None)
    >>> split_target(b"http://example.com/a")
    (b'/a', None, b'example.com')
    """
    authority = None
    if not target.startswith(b"/") and b"://" in target:
        rest = target.split(b"://", 1)[1]
        end = min(index for index in (rest.find(b"/"), rest.find(b"?"), len(rest)) if index >= 0)
        authority, target = rest[:end], rest[end:]
        if not target.startswith(b"/"):
            target = b"/" + target
    path, mark, query = target.partition(b"?")
    return path, query if mark else None, authority
