#!/usr/bin/env python3
"""A request's limits on Redis: mantlet's trip beside a PING, and beside Python's `limits` over redis-py with hiredis.

Each round asks all subjects of an empty server; a ratio is that of the medians of one round, and the one told is the
median of the rounds. Exits 1 if a bar is missed. Needs `redis-server`. Run by `make bench`.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import redis
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)

ROOT = pathlib.Path(__file__).resolve().parent
BINARY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "redis"
ROUNDS, TRIPS, PYTHON_TRIPS = 7, 4000, 2000
KEYS = 64
#: never reached: what is measured is a request that passes
LIMIT: RateLimitItem = RateLimitItemPerMinute(100_000_000)
STRATEGIES: dict[str, Callable[[RedisStorage], RateLimiter]] = {
    "fixed": FixedWindowRateLimiter,
    "moving": MovingWindowRateLimiter,
    "sliding": SlidingWindowCounterRateLimiter,
}
#: mantlet's trip, blocking or multiplexed, over PING by the same library; over the fastest strategy of `limits`,
#: without and with what response headers need (ours brings that along)
BARS = {"blocking / PING": 1.45, "async / PING": 1.45, "blocking / limits": 0.60, "blocking / limits + headers": 0.25}


def serve(folder: str) -> tuple[subprocess.Popen[bytes], int]:
    program = shutil.which("redis-server")
    if not program:
        sys.exit("The bench needs redis-server: apt-get install redis-server")
    with socket.socket() as spare:
        spare.bind(("127.0.0.1", 0))
        port = spare.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    for _ in range(500):
        try:
            client.ping()
            return server, port
        except redis.ConnectionError:
            time.sleep(0.01)
    server.kill()
    sys.exit("redis-server does not start")


def rust(kind: str, port: int) -> dict[str, float]:
    """The median microseconds of each subject."""
    told = subprocess.run([BINARY, kind, str(port), str(TRIPS)], check=True, capture_output=True, text=True).stdout
    return {line.split()[0]: float(line.split()[1]) for line in told.splitlines()}


def python(limiter: RateLimiter, name: str, headers: bool) -> float:
    times = []
    for number in range(PYTHON_TRIPS):
        key = f"{name}-{number % KEYS}"
        began = time.perf_counter_ns()
        limiter.hit(LIMIT, key)
        if headers:
            limiter.get_window_stats(LIMIT, key)
        times.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(times)


def main() -> int:
    ratios: dict[str, list[float]] = {}
    micros: dict[str, list[float]] = {}

    def told(name: str, ratio: float) -> None:
        ratios.setdefault(name, []).append(ratio)

    with tempfile.TemporaryDirectory() as folder:
        server, port = serve(folder)
        try:
            storage = RedisStorage(f"redis://127.0.0.1:{port}")
            for _ in range(ROUNDS):
                redis.Redis(port=port).flushall()
                here: dict[str, float] = {}
                for kind in ("blocking", "async"):
                    medians = rust(kind, port)
                    ping = medians.pop("ping")
                    here[f"PING, {kind}"] = ping
                    for subject, median in medians.items():
                        here[f"{subject}, {kind}"] = median
                        told(f"{kind} / PING" if subject == "bucket" else f"{subject}, {kind} / PING", median / ping)
                plain, full = [], []
                for name, strategy in STRATEGIES.items():
                    limiter = strategy(storage)
                    plain.append(python(limiter, f"{name}-plain", headers=False))
                    full.append(python(limiter, f"{name}-full", headers=True))
                    here[f"limits, {name}"], here[f"limits, {name} + headers"] = plain[-1], full[-1]
                trip = here["bucket, blocking"]
                told("blocking / limits", trip / min(plain))
                told("blocking / limits + headers", trip / min(full))
                for name, median in here.items():
                    micros.setdefault(name, []).append(median)
        finally:
            server.kill()
            server.wait()
    print(f"{'trip':<32}{'us, median':>12}")
    for name, medians in micros.items():
        print(f"{name:<32}{statistics.median(medians):>12.1f}")
    print(f"\n{'ratio':<32}{'median':>9}{'least':>8}{'most':>8}{'bar':>7}")
    missed = []
    for name, values in ratios.items():
        ratio, bar = statistics.median(values), BARS.get(name)
        print(f"{name:<32}{ratio:>9.2f}{min(values):>8.2f}{max(values):>8.2f}{f'{bar:.2f}' if bar else '-':>7}")
        if bar and ratio > bar:
            missed.append(name)
    if missed:
        print("missed:", ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
