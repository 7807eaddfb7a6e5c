"""How good a response is, and what a policy sends: `mantlet.audit` and `mantlet.check`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from http.cookies import BaseCookie
from typing import Any, Literal, Protocol, TypeAlias

from mantlet._compiled import compiled
from mantlet._mantlet import Audit, Policy, _audit, _check
from mantlet._preset import Preset

_URL = "https://localhost/"

Profile: TypeAlias = Literal["mantlet", "observatory", "presence"]


class HasHeaders(Protocol):
    """A response of a client: requests, httpx, Starlette's and Flask's and Django's test clients, aiohttp, urllib."""

    @property
    def headers(self) -> Any: ...


Headers: TypeAlias = Mapping[str, str | Iterable[str]] | Iterable[tuple[str | bytes, str | bytes]]


def audit(
    response: HasHeaders | Headers,
    /,
    *,
    status: int | None = None,
    url: str | None = None,
    body: str | bytes | None = None,
    profile: Profile = "mantlet",
    again: HasHeaders | Headers | None = None,
    not_found: HasHeaders | Headers | None = None,
    error: HasHeaders | Headers | None = None,
    cross_site_post: HasHeaders | int | None = None,
) -> Audit:
    """How good a response is.

    `response` is what a client got, or header fields: a mapping of names to values (several values as a list), or
    pairs. Status, URL and body are those of the response; `status`, `url` and `body` go before them. For fields alone
    they are 200, `https://localhost/` and nothing. What redirected to the response is judged with it, where the client
    tells.

    More can be told of the page, and is judged then: `again`, the same page fetched once more, by which a nonce that
    stays the same is found; `not_found`, the answer to a path that does not exist (404); `error`, that to a bad request
    or a failure (400, 500); `cross_site_post`, the answer to a POST with `Sec-Fetch-Site: cross-site`, or its status.

    `profile` is whose judgement the grade is: `mantlet`, `observatory` (the HTTP Observatory's algorithm 6), `presence`
    (six headers, approximately).

    Raises `TypeError` for what is no response, and `ValueError` for a URL that is none of http or https, for a status
    outside 100 to 999, and where the Observatory grades no response of such a status.
    """
    return _audit(
        _seen(response, status, url, body),
        profile,
        _hops(response),
        None if again is None else _seen(again),
        None if not_found is None else _seen(not_found, status=_status(not_found, 404)),
        None if error is None else _seen(error, status=_status(error, 500)),
        cross_site_post if cross_site_post is None or isinstance(cross_site_post, int) else _status(cross_site_post),
    )


class SentHeaders(tuple[tuple[str, str], ...]):
    """The header fields that a policy sends with a page, as pairs with names in lower case; Content-Type is the
    application's own and not among them.
    """

    url: str
    """The URL that was asked for, of a host that the policy allows."""
    status: int
    """200, or the status with which the policy answers in the application's place, such as a redirect to https."""

    def audit(self, *, profile: Profile = "mantlet") -> Audit:
        """How good an HTML page is that has these fields and Content-Type alone.

        Raises `ValueError` where the policy answers in the application's place.
        """
        if self.status != 200:
            raise ValueError(f"{self.url} is answered {self.status} by the policy: there is no page to grade")
        return audit([("content-type", "text/html"), *self], url=self.url, profile=profile)


def check(
    policy: Policy | Preset | str | os.PathLike[str] = "mantlet.toml", path: str = "/", *, https: bool = True
) -> SentHeaders:
    """What a policy sends with an HTML page at `path`, as `mantlet check` shows it, but for the fields of limits:
    nothing is counted.

    `policy` is a `Policy`, a `Preset`, or the path of a policy file. `path` is as it comes over the wire, without
    query.

    Raises `PolicyError` for a policy with errors, and for a file that cannot be read; `ValueError` for what is no path.
    """
    url, status, pairs = _check(compiled(policy), path, https)
    sent = SentHeaders(pairs)
    sent.url, sent.status = url, status
    return sent


def _seen(
    response: Any, status: int | None = None, url: str | None = None, body: str | bytes | None = None
) -> tuple[str, int, list[tuple[str, str]], str]:
    if body is None:
        body = _body(response)
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return (
        _url(response) if url is None else url,
        _status(response) if status is None else status,
        _fields(response),
        text,
    )


def _hops(response: Any) -> list[tuple[str, int, list[tuple[str, str]], str]]:
    """The redirects that the client followed, in order; none where it does not tell."""
    history = getattr(response, "history", None)
    return [_seen(hop, body="") for hop in history] if isinstance(history, (list, tuple)) else []


def _status(response: Any, default: int = 200) -> int:
    for name in ("status_code", "status"):
        # WSGI's is a text
        if isinstance(status := getattr(response, name, None), int):
            return int(status)
    return default


def _url(response: Any) -> str:
    """The URL that was asked for. Django's `url` is where a redirect leads."""
    for name in ("wsgi_request", "asgi_request"):
        if (request := getattr(response, name, None)) is not None:
            return str(request.build_absolute_uri())
    for owner in (getattr(response, "request", None), response):
        url = getattr(owner, "url", None)
        if url is not None and not callable(url):
            return str(url)
    return _URL


def _body(response: Any) -> str | bytes:
    for name in ("text", "content"):
        # aiohttp's is a coroutine function
        if isinstance(body := getattr(response, name, None), (str, bytes)):
            return body
    return ""


def _fields(response: Any) -> list[tuple[str, str]]:
    headers = getattr(response, "headers", None)
    if headers is None:
        headers = response
    # requests joins repeated fields, Set-Cookie too; urllib3 below it does not
    below = getattr(getattr(response, "raw", None), "headers", None)
    if hasattr(below, "getlist"):
        headers = below
    if callable(several := getattr(headers, "multi_items", None)):
        pairs = several()
    elif isinstance(raw := getattr(headers, "raw", None), (list, tuple)):
        pairs = raw
    elif callable(items := getattr(headers, "items", None)):
        pairs = items()
    else:
        pairs = headers
    fields = [(_text(name), value) for name, values in _pairs(pairs) for value in _values(values)]
    # Django puts them into the header section when it sends it
    cookies: Any = getattr(response, "cookies", None)
    if isinstance(cookies, BaseCookie) and all(name.lower() != "set-cookie" for name, _ in fields):
        fields += [("Set-Cookie", morsel.OutputString()) for morsel in cookies.values()]
    return fields


def _pairs(pairs: Any) -> list[Any]:
    try:
        found = list(pairs)
        # a text of two characters is no pair
        if isinstance(pairs, (str, bytes)) or any(isinstance(pair, (str, bytes)) or len(pair) != 2 for pair in found):
            raise TypeError
    except TypeError:
        raise TypeError("header fields are a mapping, pairs, or a response with headers") from None
    return found


def _values(values: Any) -> list[str]:
    if isinstance(values, (list, tuple)):
        return [_text(value) for value in values]
    return [_text(values)]


def _text(text: Any) -> str:
    if isinstance(text, (bytes, bytearray)):
        return text.decode("latin-1")
    if isinstance(text, str):
        return text
    raise TypeError(f"names and values of header fields are str or bytes, and not {type(text).__name__}")
