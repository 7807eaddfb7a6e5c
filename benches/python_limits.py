#!/usr/bin/env python3
"""CPU time of one request with one limit, beside the peers: `mantlet` from the release wheel, `limits`, and slowapi.

In this process: an ASGI request behind Mantlet with one limit; a `hit` of `limits` in memory, alone and in an ASGI
middleware as one writes it by hand, with the fields of the response; slowapi's ASGI middleware. Over Redis, started
here on a Unix socket: an ASGI request behind Mantlet, without and with fields; a `hit` of `limits.aio` over redis-py,
alone and with `get_window_stats` for the fields.

Candidates take turns in every round; what counts is the median over the rounds of a candidate's thread time, less that
of the bare application where a candidate calls one. Ratios of one run are comparable, times are not. Exits 1 when a bar
is missed. Needs the packages of benches/requirements-limits.txt, redis-server, and the wheel of `make wheel`.
"""

import asyncio
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter as AsyncFixedWindow
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from mantlet import Mantlet, Policy, RateLimitConfig
from slowapi import Limiter
from slowapi.middleware import SlowAPIASGIMiddleware
from slowapi.util import get_remote_address
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ROUNDS, REQUESTS, CONCURRENT = 21, 2000, 64
#: the most of a peer's time
BARS = {
    ("in this process", "limits, fixed window"): 0.1,
    ("in this process", "middleware of limits with fields"): 0.1,
    ("in this process", "slowapi"): 0.1,
    ("Redis, asyncio", "limits"): 0.6,
    ("Redis, asyncio", "limits with fields"): 0.25,
    ("Redis, uvloop", "limits"): 0.6,
    ("Redis, uvloop", "limits with fields"): 0.25,
    ("Redis, asyncio, 64 at once", "limits"): 0.6,
    ("Redis, asyncio, 64 at once", "limits with fields"): 0.25,
}

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "server": ("127.0.0.1", 8000),
    "client": ("192.0.2.1", 51234),
    "scheme": "https",
    "method": "GET",
    "root_path": "",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"host", b"app.example"), (b"accept", b"*/*")],
    "state": {},
}
MANY = 1_000_000_000
ITEM = RateLimitItemPerMinute(MANY)

Ask = Callable[[], Awaitable[Any]]


async def hello(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


async def sink(message: Any) -> None: ...


async def receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def through(app: Any) -> Ask:
    async def ask() -> None:
        await app(SCOPE.copy(), receive, sink)

    return ask


def policy(url: str | None = None, fields: str = "off", **settings: Any) -> Policy:
    limit = RateLimitConfig.token_bucket(100_000_000, 60, **settings)
    return Policy(preset="none", limits=[limit], limit_headers=fields, redis=url)


def starlette(limited: bool) -> Any:
    async def page(request: Request) -> Response:
        return Response(b"hello", media_type="text/plain")

    app = Starlette(routes=[Route("/", page)])
    if limited:
        app.state.limiter = Limiter(key_func=get_remote_address, default_limits=[f"{MANY}/minute"])
        app.add_middleware(SlowAPIASGIMiddleware)
    return app


async def timed(ask: Ask, number: int, at_once: int) -> float:
    """Microseconds of this thread for one of them."""
    began = time.thread_time()
    if at_once == 1:
        for _ in range(number):
            await ask()
    else:
        for _ in range(number // at_once):
            await asyncio.gather(*(ask() for _ in range(at_once)))
        number = number // at_once * at_once
    return (time.thread_time() - began) / number * 1e6


async def medians(candidates: dict[str, tuple[Ask, Ask | None]], number: int, at_once: int = 1) -> dict[str, float]:
    """Of each candidate, over the bare one that it names."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(ROUNDS + 1):
        for name, (ask, bare) in candidates.items():
            spent = await timed(ask, number, at_once)
            if bare is not None:
                spent -= await timed(bare, number, at_once)
            if turn:
                times[name].append(spent)
    return {name: statistics.median(spent) for name, spent in times.items()}


def table(title: str, ours: dict[str, float], beside: dict[str, float]) -> bool:
    good = True
    print(f"\n{title} (us a request)")
    for name, spent in (ours | beside).items():
        print(f"  {name:40} {spent:8.2f}")
    (first, own), *_ = ours.items()
    for peer, spent in beside.items():
        mine = ours.get("mantlet with fields", own) if "with fields" in peer else own
        bar = BARS.get((title, peer))
        if bar is not None:
            verdict = "ok" if mine / spent <= bar else "MISSED"
            good = good and verdict == "ok"
            print(f"  {first} / {peer}: {mine / spent:.3f} (bar {bar}) {verdict}")
    return good


def here() -> bool:
    storage = MemoryStorage()
    fixed, moving = FixedWindowRateLimiter(storage), MovingWindowRateLimiter(storage)

    def hits(strategy: Any, item: Any, stats: bool) -> Ask:
        async def ask() -> None:
            strategy.hit(item, "192.0.2.1")
            if stats:
                strategy.get_window_stats(item, "192.0.2.1")

        return ask

    async def nothing() -> None: ...

    async def by_hand(scope: Any, receive: Any, send: Any) -> None:
        key = scope["client"][0]
        admitted = fixed.hit(ITEM, key)
        reset, remaining = fixed.get_window_stats(ITEM, key)
        fields = [(b"x-ratelimit-remaining", b"%d" % remaining), (b"x-ratelimit-reset", b"%d" % reset)]
        assert admitted

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message["headers"], *fields]}
            await send(message)

        await hello(scope, receive, told)

    # the moving window keeps every hit: few enough that it does not only grow
    few = RateLimitItemPerMinute(100)
    bare, app = through(hello), through(starlette(False))
    without = Policy(preset="none")
    ours: dict[str, tuple[Ask, Ask | None]] = {
        "mantlet": (through(Mantlet(hello, policy())), bare),
        "mantlet with fields": (through(Mantlet(hello, policy(fields="ietf-10"))), bare),
        "mantlet without a limit": (through(Mantlet(hello, without)), bare),
    }
    peers: dict[str, tuple[Ask, Ask | None]] = {
        "limits, fixed window": (hits(fixed, ITEM, False), nothing),
        "limits, moving window": (hits(moving, few, False), nothing),
        "limits, fixed window with fields": (hits(fixed, ITEM, True), nothing),
        "middleware of limits with fields": (through(by_hand), bare),
        "slowapi": (through(starlette(True)), app),
    }
    spent = asyncio.run(medians(ours | peers, REQUESTS))
    return table("in this process", {name: spent[name] for name in ours}, {name: spent[name] for name in peers})


async def over_redis(url: str, at_once: int) -> tuple[dict[str, float], dict[str, float]]:
    storage = RedisStorage(f"async+redis+{url}", implementation="redispy")
    strategy = AsyncFixedWindow(storage)

    async def hit() -> None:
        await strategy.hit(ITEM, "192.0.2.1")

    async def hit_and_stats() -> None:
        await strategy.hit(ITEM, "192.0.2.1")
        await strategy.get_window_stats(ITEM, "192.0.2.1")

    shared = {"store": "redis", "on_error": "closed"}
    plain, told = (Mantlet(hello, policy(url, fields, **shared)) for fields in ("off", "ietf-10"))
    bare = through(hello)
    ours: dict[str, tuple[Ask, Ask | None]] = {
        "mantlet": (through(plain), bare),
        "mantlet with fields": (through(told), bare),
    }
    peers: dict[str, tuple[Ask, Ask | None]] = {"limits": (hit, None), "limits with fields": (hit_and_stats, None)}
    spent = await medians(ours | peers, 640, at_once)
    for app in (plain, told):
        state = app.policy.store_state()
        assert state is not None and sum(state["failures"].values()) == 0, state
    return {name: spent[name] for name in ours}, {name: spent[name] for name in peers}


def main() -> int:
    logging.disable(logging.CRITICAL)
    good = here()
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--save", "", "--unixsocket", str(socket)]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 20
            while not socket.exists():
                assert time.monotonic() < until and server.poll() is None, "redis-server does not start"
                time.sleep(0.01)
            for title, run, at_once in [
                ("Redis, asyncio", asyncio.run, 1),
                ("Redis, uvloop", uvloop.run, 1),
                ("Redis, asyncio, 64 at once", asyncio.run, CONCURRENT),
            ]:
                good = table(title, *run(over_redis(f"unix://{socket}", at_once))) and good
        finally:
            server.kill()
            server.wait()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
