#!/usr/bin/env python3
"""What a verdict costs: mantlet beside tower-http's csrf layer (Rust) and asgi-cross-origin-protection (Python).

For each request of `benches/requests`: CPU time, the median over interleaved rounds; for Rust also instructions, by
callgrind, and allocations, by memcheck. The same loop without the subject is subtracted. Exits 1 if mantlet asks the
heap for anything to let a request through. Run by `make bench`.

Only mantlet's and tower-http's numbers are of one kind. Python is interpreted: its ratio says what a Python application
pays today, not which algorithm is better.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "target" / "python"))

from asgi_cross_origin_protection import CrossOriginProtection  # noqa: E402

BINARY = ROOT / "target" / "release" / "verdict"
#: the request, and the status that each subject has to answer
REQUESTS = {"get": 200, "post": 200, "post-origin-only": 200, "post-cross-site": 403}
#: the Rust subjects: what they are, and how many times a round judges a request
RUST = {
    "engine": ("mantlet's engine: hosts, cross-origin", 300_000),
    "mantlet": ("mantlet's layer: hosts, cross-origin", 100_000),
    "mantlet-origin": ("mantlet's layer: cross-origin", 100_000),
    "tower-http": ("tower-http's csrf layer", 100_000),
}
PYTHON = "asgi-cross-origin-protection (Python)"
PYTHON_TIMES = 20_000
FEW, MANY = 1000, 2000


def base(subject: str, request: str) -> str:
    """The loop without the subject."""
    if subject == "engine":
        return "look"
    return "app" if REQUESTS[request] == 200 else "drop"


def run(subject: str, request: str, rounds: int, tool: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*tool, str(BINARY), subject, str(ROOT / "requests" / f"{request}.http"), str(rounds)]
    return subprocess.run(command, check=True, capture_output=True, text=True)


@functools.cache
def counted(subject: str, request: str, tool: tuple[str, ...], pattern: str) -> float:
    """What a tool of valgrind counts for one request."""
    counts = []
    for rounds in (FEW, MANY):
        told = run(subject, request, rounds, ["valgrind", *tool]).stderr
        found = re.search(pattern, told)
        assert found, told
        counts.append(int(found[1].replace(",", "")))
    return (counts[1] - counts[0]) / (MANY - FEW)


def instructions(subject: str, request: str) -> float:
    tool = ("--tool=callgrind", "--callgrind-out-file=/dev/null")
    own, without = (counted(s, request, tool, r"Collected\s*:\s*(\d+)") for s in (subject, base(subject, request)))
    return own - without


def allocations(subject: str, request: str) -> float:
    pattern = r"total heap usage: ([\d,]+) allocs"
    own, without = (counted(s, request, (), pattern) for s in (subject, base(subject, request)))
    return own - without


def rust_time(subject: str, request: str) -> float:
    """CPU time of a request, in ns: that of the whole process, whose start is in what is subtracted too."""
    times = RUST[subject][1]
    spent = []
    for which in (subject, base(subject, request)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(which, request, times)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (spent[0] - spent[1]) / times * 1e9


def scope_of(request: str) -> dict[str, object]:
    line, *fields = (ROOT / "requests" / f"{request}.http").read_text().splitlines()
    method, target, _ = line.split(" ")
    pairs = (field.split(": ", 1) for field in fields)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    return {"type": "http", "method": method, "path": target, "scheme": "http", "headers": headers}


async def application(scope: dict[str, object], receive: object, send: Callable) -> None:
    """As little as there can be."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def nothing(scope: dict[str, object], receive: object, send: Callable) -> None:
    """What is subtracted of a denial: the application is not asked."""


async def send(message: dict[str, object]) -> None:
    """Nobody listens."""


def python_loop(app: Callable, scope: dict[str, object], times: int) -> float:
    """CPU time of a call, in ns; no event loop, for nothing waits."""
    before = time.thread_time_ns()
    for _ in range(times):
        call = app(scope, None, send)
        try:
            call.send(None)
        except StopIteration:
            continue
        raise SystemExit("an application without input waited")
    return (time.thread_time_ns() - before) / times


def python_status(request: str) -> int:
    told: list[dict[str, object]] = []

    async def note(message: dict[str, object]) -> None:
        told.append(message)

    try:
        CrossOriginProtection(application)(scope_of(request), None, note).send(None)
    except StopIteration:
        return told[0]["status"]
    raise SystemExit("an application without input waited")


def python_time(request: str) -> float:
    scope = scope_of(request)
    without = application if REQUESTS[request] == 200 else nothing
    own = python_loop(CrossOriginProtection(application), scope, PYTHON_TIMES)
    return own - python_loop(without, scope, PYTHON_TIMES)


def check_statuses() -> None:
    """All subjects say the same: nothing else is worth comparing."""
    for request, status in REQUESTS.items():
        found = {subject: int(run(subject, request, 0).stdout) for subject in RUST}
        found[PYTHON] = python_status(request)
        if set(found.values()) != {status}:
            raise SystemExit(f"{request}: {status} is expected, found {found}")


def timed(rounds: int) -> dict[tuple[str, str], float]:
    """The medians of interleaved rounds, in ns."""
    cells = [(subject, request) for request in REQUESTS for subject in (*RUST, PYTHON)]
    found: dict[tuple[str, str], list[float]] = {cell: [] for cell in cells}
    for number in range(rounds):
        for subject, request in cells if number % 2 else reversed(cells):
            spent = python_time(request) if subject == PYTHON else rust_time(subject, request)
            found[subject, request].append(spent)
    return {cell: statistics.median(values) for cell, values in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    check_statuses()
    time_of = timed(given.rounds)
    missed = []
    print(f"CPU time: medians of {given.rounds} interleaved rounds; it / mantlet: over the layer with both checks")
    heads = [("ns", 9), ("instructions", 14), ("allocations", 13), ("it / mantlet, ns", 18)]
    for request, status in REQUESTS.items():
        print(f"\n{f'{request} ({status})':<40}" + "".join(f"{head:>{width}}" for head, width in heads))
        for subject in (*RUST, PYTHON):
            spent = time_of[subject, request]
            title, *counts = (PYTHON, "-", "-")
            if subject in RUST:
                asked = allocations(subject, request)
                title, *counts = RUST[subject][0], f"{instructions(subject, request):.0f}", f"{asked:.0f}"
                if asked > 0 and (status == 200 or subject == "engine") and subject != "tower-http":
                    missed.append(f"{title}: {request} asks the heap {asked:.0f} times")
            ratio = spent / time_of["mantlet", request]
            print(f"{title:<40}{spent:>9.0f}{counts[0]:>14}{counts[1]:>13}{ratio:>18.2f}", flush=True)
    if missed:
        print("\nmissed:", *missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
