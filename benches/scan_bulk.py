"""`mantlet scan --list --quick` of loopback sites: how many a second, one GET each, the server on the same processors.

A site is a path on one of sixteen loopback addresses, so that the ports of connections do not run out. The rate is by
the clock, for that is what waits; CPU time and the most memory of the program stand beside it.
"""

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/mantlet"
SITES = int(os.environ.get("SITES", "20000"))
ADDRESSES = 16
ROUNDS = 3
WANTED = 2_000
BODY = b"<!doctype html><title>A site</title><script src=/a.js></script><p>Hello."
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: bench\r\nX-Content-Type-Options: nosniff\r\n"
    b"Content-Security-Policy: default-src 'self'; script-src 'self' https://cdn.example; object-src 'none'\r\n"
    b"Strict-Transport-Security: max-age=31536000\r\nSet-Cookie: session=1; Path=/; HttpOnly\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class Site(asyncio.Protocol):
    """Answers any request at once, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        self.transport.write(ANSWER)
        self.transport.close()


async def serve(listeners: list[socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Site, sock=listener) for listener in listeners]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def scanned(folder: Path) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of CPU, MiB at the most, of one run; its output is checked."""
    out = folder / "out.ndjson"
    words = [str(PROGRAM), "scan", "--list", str(folder / "list.txt"), "--quick", "--output", str(out)]
    start = time.perf_counter()
    pid = os.posix_spawn(PROGRAM, words, os.environ)
    _, status, usage = os.wait4(pid, 0)
    clock = time.perf_counter() - start
    grades = [json.loads(line)["grade"] for line in out.open()]
    assert status == 0 and len(grades) == SITES and all(grades), (status, len(grades))
    return clock, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> int:
    """Prints the rates; fails if the best is below what is wanted."""
    # bound before the fork, so that the first site finds it
    first = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = first.getsockname()[1]
    listeners = [first, *(socket.create_server((f"127.0.0.{n}", port), backlog=1024) for n in range(2, ADDRESSES + 1))]
    server = os.fork()
    if server == 0:
        asyncio.run(serve(listeners))
        return 0
    for listener in listeners:
        listener.close()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            urls = (f"http://127.0.0.{n % ADDRESSES + 1}:{port}/{n}\n" for n in range(SITES))
            (folder / "list.txt").write_text("".join(urls))
            runs = [scanned(folder) for _ in range(ROUNDS)]
    finally:
        os.kill(server, 15)
        os.waitpid(server, 0)
    clock, cpu, memory = min(runs)
    print(f"{SITES} sites, {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}, best of {ROUNDS}")
    print(f"{SITES / clock:,.0f} sites a second (wanted: {WANTED:,})")
    print(f"{SITES / cpu:,.0f} sites a second of CPU, {memory:.0f} MiB")
    return 0 if SITES / clock >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
