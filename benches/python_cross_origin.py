#!/usr/bin/env python3
"""What CrossOriginProtection and CrossOriginIsolation cost a request, beside asgi-cross-origin-protection.

Needs both packages installed, mantlet built for release. The ASGI callables are driven directly: no server, no event
loop. Thread CPU time, all candidates interleaved in every round; a cost is the median over the rounds of what a
candidate needs above the bare application in the same round. Exits 1 when a bar is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import asgi_cross_origin_protection
import asgi_cross_origin_protection.isolation
import mantlet

warnings.simplefilter("ignore", mantlet.cross_origin.UnsafeDefaultWarning)

ROUNDS, REQUESTS = 25, 20_000
#: the published package over mantlet, at least
BARS = {
    "GET": 2.5,
    "POST": 3.0,
    "POST, Origin only": 5.0,
    "POST, exempt path": 1.5,
    "isolation": 2.0,
    "both, POST": 3.0,
}

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

BROWSER = [
    (b"host", b"app.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"accept-language", b"en-US,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"referer", b"https://app.example.com/form"),
    (b"cookie", b"session=0123456789abcdef0123456789abcdef"),
]
ORIGIN = (b"origin", b"https://app.example.com")
FETCH = [(b"sec-fetch-dest", b"document"), (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-site", b"same-origin")]

STARTED = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/html"), (b"content-length", b"5")],
}
BODY = {"type": "http.response.body", "body": b"hello"}


async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send(STARTED)
    await send(BODY)


async def send(message: dict[str, Any]) -> None:
    pass


def scope(method: str, headers: list[tuple[bytes, bytes]], path: str = "/form") -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "root_path": "",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }


def spent(app: Application, request: dict[str, Any]) -> float:
    """Microseconds of CPU a request."""
    begin = time.thread_time_ns()
    for _ in range(REQUESTS):
        for _ in app(dict(request), None, send).__await__():
            raise AssertionError("the application waits")
    return (time.thread_time_ns() - begin) / REQUESTS / 1000


def candidates() -> dict[str, tuple[dict[str, Any], Application, Application]]:
    """By name: the request, the published package, mantlet."""
    theirs, ours = asgi_cross_origin_protection.CrossOriginProtection, mantlet.CrossOriginProtection
    their_isolation = asgi_cross_origin_protection.isolation.CrossOriginIsolation
    get, post = scope("GET", BROWSER + FETCH), scope("POST", [*BROWSER, ORIGIN, *FETCH])
    origin_only = scope("POST", [*BROWSER, ORIGIN])
    exempt = scope("POST", BROWSER, "/hooks/stripe")
    paths = {"exempt_paths": ["/healthz", "/hooks"]}
    return {
        "GET": (get, theirs(bare), ours(bare)),
        "POST": (post, theirs(bare), ours(bare)),
        "POST, Origin only": (origin_only, theirs(bare), ours(bare)),
        "POST, exempt path": (exempt, theirs(bare, **paths), ours(bare, **paths)),
        "isolation": (get, their_isolation(bare), mantlet.CrossOriginIsolation(bare)),
        "both, POST": (post, their_isolation(theirs(bare)), mantlet.CrossOriginIsolation(ours(bare))),
    }


def main() -> int:
    subjects = candidates()
    over: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for name, (request, theirs, ours) in subjects.items():
            base = spent(bare, request)
            for whose, app in (("theirs", theirs), ("ours", ours)):
                over.setdefault((name, whose), []).append(spent(app, request) - base)
    missed = []
    print(f"{'request':<20}{'theirs, us':>11}{'mantlet, us':>13}{'ratio':>8}{'bar':>6}")
    for name in subjects:
        theirs, ours = (statistics.median(over[name, whose]) for whose in ("theirs", "ours"))
        print(f"{name:<20}{theirs:>11.2f}{ours:>13.2f}{theirs / ours:>8.1f}{BARS[name]:>6.1f}")
        if theirs / ours < BARS[name]:
            missed.append(name)
    if missed:
        print("missed:", ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
