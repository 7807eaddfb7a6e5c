#!/usr/bin/env python3
"""CPU time of one request, beside the peers: `mantlet` from the release wheel, published `secure`, correct pure Python, and
the stack secure + asgi-cross-origin-protection + TrustedHostMiddleware.

The application is driven without a server. Candidates take turns in every round; what counts is the median over the rounds
of a candidate's thread time less that of the bare application. Ratios of one run are comparable, times are not. Exits 1 when
a bar is missed. Needs the packages of benches/requirements-python.txt and the wheel of `make wheel`.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from asgi_cross_origin_protection import CrossOriginProtection
from secure import Preset, Secure
from secure.middleware import SecureASGIMiddleware, SecureWSGIMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from mantlet import Mantlet, Policy

ROUNDS, REQUESTS = 31, 2000
#: how many times cheaper than each peer
BARS = {
    ("ASGI headers", "secure"): 15.0,
    ("ASGI headers", "pure Python"): 1.3,
    ("WSGI headers", "secure"): 15.0,
    ("one pass, GET", "stack"): 15.0,
    ("one pass, POST", "stack"): 15.0,
    ("one pass, POST with Origin only", "stack"): 15.0,
}

secure = Secure.from_preset(Preset.BALANCED)
# its BALANCED sends an empty Server, which is not valid (RFC 9110 section 10.2.4)
next(header for header in secure.headers_list if header.header_name == "Server").set("app")
HEADERS = dict(secure.headers)
RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 51234),
    "scheme": "https",
    "method": "GET",
    "root_path": "",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [
        (b"host", b"app.example"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"cookie", b"session=6f1ed002ab5595859014ebf0951522d9"),
    ],
    "state": {},
}


async def hello(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


class PurePython:
    """What a careful hand writes: no coroutine, no change to the application's list, every conflict met."""

    def __init__(self, app: Any, raw: list[tuple[bytes, bytes]]) -> None:
        self.app, self.raw, self.names = app, raw, frozenset(name for name, _ in raw)

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        raw, names = self.raw, self.names

        def edit(message: Any) -> Any:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
                return send({**message, "headers": kept + raw})
            return send(message)

        return self.app(scope, receive, edit)


def hello_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


class PurePythonWSGI:
    def __init__(self, app: Any, headers: dict[str, str]) -> None:
        self.app, self.pairs = app, list(headers.items())
        self.names = frozenset(name.lower() for name in headers)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        pairs, names = self.pairs, self.names

        def edit(status: str, headers: Any, exc_info: Any = None) -> Any:
            kept = [pair for pair in headers if pair[0].lower() not in names]
            if exc_info:
                return start_response(status, kept + pairs, exc_info)
            return start_response(status, kept + pairs)

        return self.app(environ, edit)


async def sink(message: Any) -> None: ...


async def nothing() -> None: ...


def asgi(scope: dict[str, Any]) -> Callable[[Any], Callable[[], None]]:
    def driver(app: Any) -> Callable[[], None]:
        def once() -> None:
            coroutine = app(scope.copy(), nothing, sink)
            try:
                coroutine.send(None)
            except StopIteration:
                return
            raise AssertionError("waits")

        return once

    return driver


ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/",
    "RAW_URI": "/",
    "QUERY_STRING": "",
    "SERVER_NAME": "app.example",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "app.example",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "HTTP_ACCEPT": "*/*",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
    "HTTP_COOKIE": "session=6f1ed002ab5595859014ebf0951522d9",
    "wsgi.url_scheme": "https",
}


def started(status: str, headers: Any, exc_info: Any = None) -> None: ...


def wsgi(app: Any) -> Callable[[], None]:
    def once() -> None:
        app(ENVIRON.copy(), started)

    return once


def sent(app: Any, scope: dict[str, Any]) -> tuple[int, set[tuple[bytes, bytes]]]:
    found: list[Any] = []

    async def keep(message: Any) -> None:
        found.append(message)

    coroutine = app(scope.copy(), nothing, keep)
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    return found[0]["status"], {(name.lower(), value) for name, value in found[0]["headers"]}


def over_bare(candidates: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Microseconds of each candidate over `bare`."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, once in candidates.items():
            start = time.thread_time()
            for _ in range(REQUESTS):
                once()
            times[name].append((time.thread_time() - start) / REQUESTS * 1e6)
    bare = times.pop("bare")
    return {name: statistics.median(a - b for a, b in zip(own, bare, strict=True)) for name, own in times.items()}


def stack(app: Any) -> Any:
    return SecureASGIMiddleware(
        CrossOriginProtection(TrustedHostMiddleware(app, allowed_hosts=["app.example"])), secure=secure
    )


def main() -> int:
    fixed = Policy(preset="none", headers=HEADERS)
    checked = Policy(preset="none", headers=HEADERS, hosts=["app.example"], cross_origin="enforce")
    nonce = Policy(hosts=["app.example"], csp={"script-src": ["'nonce'"]})
    assert sent(Mantlet(hello, fixed), SCOPE) == sent(SecureASGIMiddleware(hello, secure=secure), SCOPE)
    assert sent(Mantlet(hello, fixed), SCOPE) == sent(PurePython(hello, RAW), SCOPE)

    headers = SCOPE["headers"]
    assert isinstance(headers, list)
    post = {**SCOPE, "method": "POST", "headers": [*headers, (b"sec-fetch-site", b"same-origin")]}
    origin = {**SCOPE, "method": "POST", "headers": [*headers, (b"origin", b"https://app.example")]}
    groups: dict[str, dict[str, Callable[[], None]]] = {
        "ASGI headers": {
            name: asgi(SCOPE)(app)
            for name, app in {
                "bare": hello,
                "mantlet": Mantlet(hello, fixed),
                "secure": SecureASGIMiddleware(hello, secure=secure),
                "pure Python": PurePython(hello, RAW),
                "mantlet, nonce and checks": Mantlet(hello, nonce),
            }.items()
        },
        "WSGI headers": {
            name: wsgi(app)
            for name, app in {
                "bare": hello_wsgi,
                "mantlet": Mantlet(hello_wsgi, fixed),
                "secure": SecureWSGIMiddleware(hello_wsgi, secure=secure),
                "pure Python": PurePythonWSGI(hello_wsgi, HEADERS),
                "mantlet, checks": Mantlet(hello_wsgi, checked),
            }.items()
        },
    }
    for name, scope in {"GET": SCOPE, "POST": post, "POST with Origin only": origin}.items():
        assert sent(stack(hello), scope) == sent(Mantlet(hello, checked), scope)
        groups[f"one pass, {name}"] = {
            "bare": asgi(scope)(hello),
            "mantlet": asgi(scope)(Mantlet(hello, checked)),
            "stack": asgi(scope)(stack(hello)),
        }

    missed = []
    print(f"{'':<34}{'candidate':<28}{'us over bare':>13}{'it / mantlet':>14}{'bar':>7}")
    for group, candidates in groups.items():
        cost = over_bare(candidates)
        for name, own in cost.items():
            ratio, bar = own / cost["mantlet"], BARS.get((group, name))
            print(f"{group:<34}{name:<28}{own:>13.2f}{ratio:>14.2f}{bar or '-':>7}")
            if bar and ratio < bar:
                missed.append(f"{group}: {name}")
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
