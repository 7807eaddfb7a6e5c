#!/usr/bin/env python3
"""CPU time a request of `mantlet serve` beside nginx: the same header section, the same upstream, interleaved rounds.

User and system time of all processes of a proxy, from /proc, around a run of wrk; the median over the rounds. Only
ratios of one run mean anything. Exits 1 when the bar is missed. Run by `make bench`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = pathlib.Path(os.environ.get("MANTLET", ROOT / "target" / "release" / "mantlet"))
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
#: mantlet over nginx, CPU time a request with one worker each
BAR = 1.20
BODY = 1024
COMMON = """
daemon off; pid {name}.pid; error_log stderr crit; worker_processes {workers};
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; server_tokens off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {http}
}}
"""
UPSTREAM = """
    default_type text/html;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{body}"; }} }}
"""
PROXY = """
    upstream application {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        {headers}
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def section(port: int) -> dict[str, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(client):
        client.request("GET", "/")
        response = client.getresponse()
        assert response.status == 200 and len(response.read()) == BODY
        return {name.lower(): value for name, value in response.getheaders()}


@contextlib.contextmanager
def running(command: list[object], port: int, folder: pathlib.Path) -> Iterator[int]:
    """A program that listens on `port`; its process id."""
    process = subprocess.Popen([str(word) for word in command], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} does not listen on {port}")
            time.sleep(0.01)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def nginx(name: str, folder: pathlib.Path, port: int, workers: int, http_block: str) -> Iterator[int]:
    settings = folder / f"{name}.conf"
    settings.write_text(COMMON.format(name=name, workers=workers, http=http_block))
    with running([NGINX, "-p", f"{folder}/", "-c", settings], port, folder) as pid:
        yield pid


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children that still live."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in children)


def memory(pid: int) -> int:
    """Proportional set size of a process and its children, in KiB."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)
    assert found
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found[1]) + sum(memory(int(child)) for child in children)


def load(pid: int, port: int, threads: int, connections: int, seconds: int) -> tuple[float, float]:
    """One run of wrk: CPU microseconds a request, and requests a second."""
    before = cpu_seconds(pid)
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = cpu_seconds(pid) - before
    requests = re.search(r"(\d+) requests in", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert requests and rate, told
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(told)
    return used / int(requests[1]) * 1e6, float(rate[1])


def compare(workers: int, rounds: int, seconds: int) -> float:
    """Prints a line of the table; the ratio of CPU time a request."""
    ports = [free_port() for _ in range(3)]
    upstream, ours, theirs = ports
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        body = "x" * BODY
        stack.enter_context(nginx("upstream", folder, upstream, 1, UPSTREAM.format(port=upstream, body=body)))
        serve = ["serve", "--preset", "balanced", "--workers", workers]
        serve += ["--listen", f"127.0.0.1:{ours}", "--upstream", f"http://127.0.0.1:{upstream}"]
        mantlet = stack.enter_context(running([PROGRAM, *serve], ours, folder))
        added = {n: v for n, v in section(ours).items() if n not in section(upstream)}
        lines = "".join(f'add_header {n} "{v}" always;\n        ' for n, v in added.items())
        block = PROXY.format(port=theirs, upstream=upstream, headers=lines)
        peer = stack.enter_context(nginx("proxy", folder, theirs, workers, block))
        moment = ("date", "server")
        sections = [
            {n: v for n, v in section(port).items() if n not in (*moment, "connection")} for port in (ours, theirs)
        ]
        assert sections[0] == sections[1], sections

        subjects = {"mantlet": (mantlet, ours), "nginx": (peer, theirs)}
        costs: dict[str, list[float]] = {subject: [] for subject in subjects}
        rates: dict[str, list[float]] = {subject: [] for subject in subjects}
        for pid, port in subjects.values():
            load(pid, port, workers, 32 * workers, 1)
        for number in range(rounds):
            order = list(subjects.items())
            for subject, (pid, port) in order if number % 2 else reversed(order):
                cost, rate = load(pid, port, workers, 32 * workers, seconds)
                costs[subject].append(cost)
                rates[subject].append(rate)
        held = {subject: memory(pid) for subject, (pid, _) in subjects.items()}
    median_cost = {subject: statistics.median(values) for subject, values in costs.items()}
    median_rate = {subject: statistics.median(values) for subject, values in rates.items()}
    ratios = sorted(a / b for a, b in zip(costs["mantlet"], costs["nginx"], strict=True))
    ratio = median_cost["mantlet"] / median_cost["nginx"]
    print(
        f"{workers:>7}{median_cost['nginx']:>12.1f} us{median_cost['mantlet']:>10.1f} us{ratio:>9.2f}"
        f"{f'{ratios[0]:.2f}-{ratios[-1]:.2f}':>13}{median_rate['mantlet'] / median_rate['nginx']:>10.2f}"
        f"{held['nginx'] / 1024:>11.1f}{held['mantlet'] / 1024:>9.1f}",
        flush=True,
    )
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    given = parser.parse_args()
    print(f"{given.rounds} interleaved rounds of {given.seconds} s, body {BODY} bytes, 32 connections a worker")
    print("CPU time a request; ratio: mantlet / nginx, of the medians and over the rounds; MiB: proportional set size")
    heads = [("workers", 7), ("nginx CPU", 15), ("mantlet", 13), ("ratio", 9), ("rounds", 13), ("rps ratio", 10)]
    print("".join(f"{head:>{width}}" for head, width in [*heads, ("nginx MiB", 11), ("mantlet", 9)]))
    one = compare(1, given.rounds, given.seconds)
    compare(2, given.rounds, given.seconds)
    if one > BAR:
        print(f"missed: {one:.2f} with one worker, the bar is {BAR:.2f}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
