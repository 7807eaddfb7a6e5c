"""How many may pass: the program in front of an application, alone and with a Redis that fails."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest
from support import PATIENCE, Application, Connection, Mantlet, ask, free_port, mantlet, until

Serve = Callable[..., Mantlet]


@pytest.fixture
def page(application: Callable[..., Application]) -> int:
    """The port of an application that answers."""

    def act(connection: Connection, head: str) -> None:
        connection.answer(b"hello", "text/plain")

    return application(act).port


class Redis:
    """A redis-server on a socket in a folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", self.socket]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)
        until(lambda: self.says("PING") == b"+PONG\r\n", "Redis answers")

    def says(self, command: str) -> bytes | None:
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(PATIENCE)
                stream.connect(str(self.socket))
                stream.sendall(f"{command}\r\n".encode())
                return stream.recv(65536)
        except OSError:
            return None

    @property
    def policy(self) -> str:
        return f'store.redis.url = "unix://{self.socket}"\n'

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)


@pytest.fixture
def redis(tmp_path: pathlib.Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.process.send_signal(signal.SIGCONT)
    server.stop()


def statuses(port: int, count: int, source: str = "127.0.0.1") -> list[int]:
    return [ask(port, source=source).status for _ in range(count)]


def metric(admin: int, line: str) -> float:
    """The number of a line of the metrics."""
    text = ask(admin, "/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert found, text
    return float(found[1])


def test_a_client_above_its_limit_waits_and_another_does_not(page: int, serve: Serve) -> None:
    admin = free_port()
    policy = '[limit]\nname = "few"\nrequests = 3\nwindow = "1h"\n'
    port = serve(page, "--admin", f"127.0.0.1:{admin}", "--workers", "2", policy=policy).port
    first = ask(port)
    assert first["ratelimit-policy"] == '"few";q=3;w=3600'
    assert first["ratelimit"] == '"few";r=2;t=1200'
    # both workers count together
    assert statuses(port, 4) == [200, 200, 429, 429]
    denied = ask(port)
    assert denied["content-type"] == "application/problem+json"
    assert json.loads(denied.text)["violated-policies"] == ["few"]
    assert 1200 <= int(denied["retry-after"]) <= 1440
    assert denied["x-content-type-options"] == "nosniff"
    assert statuses(port, 1, source="127.0.0.2") == [200]
    assert metric(admin, 'mantlet_limit_requests_total{limit="few",outcome="admitted"}') == 4
    assert metric(admin, 'mantlet_limit_requests_total{limit="few",outcome="exceeded"}') == 3


def test_a_client_behind_a_trusted_proxy_is_counted_by_its_own_address(page: int, serve: Serve) -> None:
    policy = 'trusted_proxies = ["127.0.0.9"]\nlimit = { requests = 1, window = "1h" }\n'
    port = serve(page, policy=policy).port

    def status(client: str, source: str) -> int:
        return ask(port, headers={"X-Forwarded-For": client}, source=source).status

    assert [status("192.0.2.1", "127.0.0.9"), status("192.0.2.1", "127.0.0.9")] == [200, 429]
    assert status("192.0.2.2", "127.0.0.9") == 200
    # a stranger's word gives no new quota
    assert [status("192.0.2.3", "127.0.0.1"), status("192.0.2.4", "127.0.0.1")] == [200, 429]


def test_a_reload_forgets_only_limits_that_have_changed(page: int, serve: Serve, tmp_path: pathlib.Path) -> None:
    limit = 'limit = {{ requests = {}, window = "1h" }}\n'
    program = serve(page, policy=limit.format(2))
    assert statuses(program.port, 3) == [200, 200, 429]
    (tmp_path / "mantlet.toml").write_text(limit.format(2) + 'headers.x-new = "1"\n')
    until(lambda: "x-new" in ask(program.port), "the new policy")
    assert statuses(program.port, 1) == [429]
    (tmp_path / "mantlet.toml").write_text(limit.format(3))
    until(lambda: ask(program.port).status == 200, "the new limit")


def test_processes_share_a_limit_in_redis(page: int, serve: Serve, redis: Redis) -> None:
    limit = '[limit]\nrequests = 4\nwindow = "1h"\nstore = "redis"\non_error = "closed"\n'
    patient = 'store.redis.timeout = "10s"\n'
    ports = [serve(page, policy=redis.policy + patient + limit).port for _ in range(2)]
    told = [ask(ports[i % 2]).status for i in range(6)]
    assert told == [200, 200, 200, 200, 429, 429]
    keys = redis.says("KEYS *")
    assert keys
    # a hash, and no address
    assert re.search(rb"mantlet:\{[0-9a-f]{32}\}:default:", keys)
    assert b"127.0.0.1" not in keys


@pytest.mark.parametrize(
    ("on_error", "expected"), [("local", [200, 200, 429]), ("open", [200] * 3), ("closed", [503] * 3)]
)
def test_without_redis_a_limit_does_what_it_says(
    page: int, serve: Serve, redis: Redis, on_error: str, expected: list[int]
) -> None:
    admin = free_port()
    limit = f'[limit]\nrequests = 4\nwindow = "1h"\nstore = "redis"\nnodes = 2\non_error = "{on_error}"\n'
    words = ("--admin", f"127.0.0.1:{admin}", "--workers", "1")
    running = serve(page, *words, policy=redis.policy + limit)
    port = running.port
    kind = {"local": "fallback"}.get(on_error, "unavailable")
    uncounted = f'mantlet_limit_{kind}_total{{limit="default"}}'
    until(lambda: ask(port).status == 200, "Redis is asked")
    before = metric(admin, uncounted)
    redis.stop()
    assert statuses(port, 3, source="127.0.0.2") == expected
    assert metric(admin, uncounted) == before + 3
    until(lambda: "the store of the limits does not answer" in running.log, "the log tells")
    redis.start()

    def asked_again() -> bool:
        before = metric(admin, uncounted)
        ask(port, source="127.0.0.3")
        return metric(admin, uncounted) == before

    until(asked_again, "Redis is asked again")
    until(lambda: "the store of the limits answers again" in running.log, "the log tells")


def test_a_redis_that_hangs_is_given_up(page: int, serve: Serve, redis: Redis) -> None:
    admin = free_port()
    limit = '[limit]\nrequests = 1000\nwindow = "1h"\nstore = "redis"\n'
    words = ("--admin", f"127.0.0.1:{admin}", "--workers", "1")
    port = serve(page, *words, policy=redis.policy + limit).port
    assert statuses(port, 1) == [200]
    redis.process.send_signal(signal.SIGSTOP)
    assert statuses(port, 20) == [200] * 20
    assert metric(admin, 'mantlet_store_failures_total{why="timeout"}') >= 1
    assert metric(admin, 'mantlet_store_failures_total{why="breaker_open"}') >= 1
    assert metric(admin, "mantlet_store_given_up_total") >= 1


def test_a_store_that_cannot_be_is_refused_at_start(page: int, tmp_path: pathlib.Path) -> None:
    limit = '[limit]\nrequests = 4\nwindow = "1h"\nstore = "redis"\n'
    listen = ("serve", "--upstream", f"http://127.0.0.1:{page}", "--listen", "127.0.0.1:0")
    for url, words in {
        '{ env = "MANTLET_TEST_NO_SUCH" }': "MANTLET_TEST_NO_SUCH, which is not set",
        '"http://localhost"': "is not one of redis://",
    }.items():
        (tmp_path / "mantlet.toml").write_text(f"store.redis.url = {url}\n{limit}")
        told = mantlet(tmp_path, *listen)
        assert told.returncode != 0
        assert words in told.stderr
    (tmp_path / "mantlet.toml").write_text(f'store.redis.url = {{ env = "MANTLET_TEST_REDIS" }}\n{limit}')
    # a policy can be checked where its secrets are not
    assert mantlet(tmp_path, "check").returncode == 0


def test_a_request_sheds_no_other_while_it_is_under_way(application: Callable[..., Application], serve: Serve) -> None:
    """One place: the second of two at once is sent away, and health checks are not."""
    read, write = os.pipe()

    def act(connection: Connection, head: str) -> None:
        if head.startswith("GET /slow"):
            os.read(read, 1)
        connection.answer(b"hello", "text/plain")

    port = serve(
        application(act).port,
        policy='[limit]\nalgorithm = "concurrency"\nmax_in_flight = 1\nmin_in_flight = 1\n',
    ).port
    slow = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    slow.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    until(lambda: ask(port).status == 503, "the place is taken")
    busy = ask(port)
    assert "temporary-reduced-capacity" in busy.text
    assert int(busy["retry-after"]) >= 1
    assert ask(port, "/healthz").status == 200
    os.write(write, b"x")
    assert slow.recv(65536).startswith(b"HTTP/1.1 200")
    slow.close()
    assert ask(port).status == 200
