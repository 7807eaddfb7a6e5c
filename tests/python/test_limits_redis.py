"""Limits on a real Redis, through ASGI, WSGI, `Policy.on_request` and `on_request_async`: also with the server killed,
paused and restarted, after a fork, and over clients of the application."""

import asyncio
import gc
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import trio
import uvloop
from drive import answer, environ, exchange, scope, wsgi
from mantlet import Mantlet, Policy, RateLimitConfig
from redis_server import PATIENCE, Server

bucket, window = RateLimitConfig.token_bucket, RateLimitConfig.sliding_window


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    assert shared.tell("FLUSHALL").startswith(b"+OK")
    return shared


@pytest.fixture
def own() -> Iterator[Server]:
    """One that the test may kill."""
    with Server() as server:
        yield server


def policy(server: Server, requests: int = 3, text: str = "timeout = '10s'", **settings: Any) -> Policy:
    limit = bucket(requests, 3600, store="redis", **settings)
    return Policy(f"preset = 'none'\nstore.redis = {{ url = '{server.url}', {text} }}", limits=[limit])


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [])
    return [b"hello"]


async def statuses(app: Any, number: int, **facts: Any) -> list[int]:
    return [(await exchange(app, scope(**facts)))[0]["status"] for _ in range(number)]


RUNNERS: dict[str, Callable[[Any], Any]] = {"asyncio": asyncio.run, "uvloop": uvloop.run}


@pytest.mark.parametrize("runner", RUNNERS)
def test_processes_and_event_loops_share_a_limit(runner: str, server: Server) -> None:
    run = RUNNERS[runner]
    first, second = (Mantlet(answer(), policy(server)) for _ in range(2))
    # each run is an event loop of its own
    assert run(statuses(first, 2)) == [200, 200]
    assert run(statuses(second, 2)) == [200, 429]
    blocking = Mantlet(hello, policy(server))
    assert wsgi(blocking, environ())[0].status == "429 Too Many Requests"
    assert run(statuses(first, 1)) == [429]
    state = first.policy.store_state()
    assert state is not None and state["breaker"] == "closed" and state["connections"] == 2
    assert state["trips"] == 3
    # it is told no once, and remembers
    assert run(statuses(first, 2)) == [429, 429]
    assert first.policy.limit_states()[0]["remembered"] == 2


def test_the_hooks_of_frameworks_ask_it_blocking_or_awaited(server: Server) -> None:
    own = policy(server)
    assert own.on_request("GET", b"/", [], peer="192.0.2.7").denial is None

    async def awaited() -> list[int]:
        told = [await own.on_request_async("GET", b"/", [], peer="192.0.2.7") for _ in range(3)]
        return [exchange.denial.status if exchange.denial else 200 for exchange in told]

    assert asyncio.run(awaited()) == [200, 200, 429]
    denial = own.on_request("GET", b"/", [], peer="192.0.2.7").denial
    assert denial is not None and denial.status == 429


def test_mode_prefix_and_shadows_reach_the_store(server: Server) -> None:
    limits = [
        window(5, 60, name="strict", store="redis"),
        window(5, 60, name="average", mode="interpolated", store="redis"),
        bucket(1, 60, name="shadow", disposition="report", store="redis"),
    ]
    text = f"preset = 'none'\nstore.redis = {{ url = '{server.url}', timeout = '10s', prefix = 'mine' }}"
    app = Mantlet(answer(), Policy(text, limits=limits))
    assert asyncio.run(statuses(app, 3)) == [200, 200, 200]
    keys = server.tell("KEYS *")
    assert keys.count(b"mine:{") == 3
    assert b":average:i-" in keys and b":strict:i-" not in keys
    states = {state["name"]: state for state in app.policy.limit_states()}
    assert states["shadow"]["reported"] == 2 and states["strict"]["admitted"] == 3


def test_only_a_request_that_has_to_ask_gets_a_coroutine_of_ours(server: Server) -> None:
    theirs = object()
    protected = Mantlet(lambda scope, receive, send: theirs, policy(server, paths=["/shared"]))

    async def nothing(*arguments: object) -> Any: ...

    assert protected(scope(), nothing, nothing) is theirs
    ours: Any = protected(scope(path="/shared", raw_path=b"/shared"), nothing, nothing)
    assert asyncio.iscoroutine(ours)
    ours.close()


@pytest.mark.parametrize("runner", RUNNERS)
def test_ten_thousand_requests_at_once_are_never_above_the_bound(runner: str, server: Server) -> None:
    protected = Mantlet(answer(), policy(server, requests=1000, key="everybody"))

    async def flood() -> list[int]:
        told = await asyncio.gather(
            *(statuses(protected, 1, client=(f"10.0.{n >> 8}.{n & 255}", 1)) for n in range(10_000))
        )
        return [status for own in told for status in own]

    told = RUNNERS[runner](flood())
    # an hour for a thousand: one more in 3.6 s
    assert 1000 <= told.count(200) <= 1000 + PATIENCE
    assert told.count(200) + told.count(429) == 10_000
    state = protected.policy.store_state()
    assert state is not None and state["connections"] == 1 and sum(state["failures"].values()) == 0


@pytest.mark.parametrize(("on_error", "told"), [("local", [200, 200, 429]), ("open", [200] * 3), ("closed", [503] * 3)])
@pytest.mark.parametrize("how", ["kill", "pause"])
@pytest.mark.parametrize("host", ["asgi", "wsgi"])
def test_a_store_that_does_not_answer_leaves_what_on_error_says(
    host: str, how: str, on_error: str, told: list[int], own: Server, caplog: pytest.LogCaptureFixture
) -> None:
    made = policy(own, requests=2, text="timeout = '200ms'", on_error=on_error)
    asynchronous, blocking = Mantlet(answer(), made), Mantlet(hello, made)

    async def story() -> tuple[list[int], list[int]]:
        async def ask(number: int, client: str) -> list[int]:
            if host == "asgi":
                return await statuses(asynchronous, number, client=(client, 1))
            return [int(wsgi(blocking, environ(REMOTE_ADDR=client))[0].status[:3]) for _ in range(number)]

        assert await ask(1, "192.0.2.1") == [200]
        getattr(own, how)()
        with caplog.at_level(logging.INFO, "mantlet"):
            without = await ask(3, "192.0.2.2")
            # no one is asked any more
            await ask(3, "192.0.2.3")
            if how == "kill":
                own.start()
            else:
                own.go_on()
            until = time.monotonic() + PATIENCE
            while (made.store_state() or {})["breaker"] != "closed":
                assert time.monotonic() < until
                await asyncio.sleep(0.01)
                await ask(1, "192.0.2.4")
            return without, await ask(3, "192.0.2.5")

    without, afterwards = asyncio.run(story())
    assert without == told
    assert afterwards == [200, 200, 429]
    state, counted = made.store_state(), made.limit_states()[0]
    assert state is not None and state["opened"] >= 1 and state["failures"]["breaker_open"] >= 1
    assert state["failures"]["timeout" if how == "pause" else "unreachable"] >= 1
    assert counted["fallback" if on_error == "local" else "unavailable"] >= 3
    assert caplog.text.count("the store did not answer") >= 1 and "answers again" in caplog.text


def test_a_flushed_script_is_sent_again(server: Server) -> None:
    protected = Mantlet(answer(), policy(server))

    async def story() -> list[int]:
        first = await statuses(protected, 1)
        assert server.tell("SCRIPT FLUSH").startswith(b"+OK")
        told = await asyncio.gather(*(statuses(protected, 1, client=(f"10.0.0.{n}", 1)) for n in range(9)))
        return first + [status for own in told for status in own]

    assert asyncio.run(story()) == [200] * 10
    state = protected.policy.store_state()
    assert state is not None and state["scripts_sent"] >= 1 and sum(state["failures"].values()) == 0


def test_a_cancelled_request_disturbs_no_other(own: Server) -> None:
    protected = Mantlet(answer(), policy(own, requests=100))

    async def story() -> list[int]:
        await statuses(protected, 1)
        own.pause()
        tasks = [asyncio.create_task(statuses(protected, 1)) for _ in range(10)]
        await asyncio.sleep(0.05)
        for task in tasks[::2]:
            task.cancel()
        own.go_on()
        told = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(each, asyncio.CancelledError) for each in told) == 5
        return [status for each in told if isinstance(each, list) for status in each] + await statuses(protected, 3)

    assert asyncio.run(story()) == [200] * 8
    state = protected.policy.store_state()
    assert state is not None and sum(state["failures"].values()) == 0


def test_under_trio_a_limit_does_what_its_on_error_says(server: Server) -> None:
    protected = Mantlet(answer(), policy(server, requests=2))

    async def story() -> list[int]:
        return await statuses(protected, 3)

    assert trio.run(story) == [200, 200, 429]
    assert b"mantlet" not in server.tell("KEYS *")


def test_a_server_that_refuses_us_is_down(own: Server) -> None:
    assert own.tell("CONFIG SET requirepass secret").startswith(b"+OK")

    def of(text: str) -> Policy:
        return Policy("preset = 'none'", limits=[bucket(1, 60, store="redis", on_error="closed")], redis=text)

    refused = Mantlet(answer(), of(own.url))
    assert asyncio.run(statuses(refused, 1)) == [503]
    state = refused.policy.store_state()
    assert state is not None and state["failures"]["refused"] == 1


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.mark.parametrize("runner", RUNNERS)
def test_tls_with_a_password_a_database_and_a_certificate_of_ours(runner: str, tmp_path: Path) -> None:
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    authority = [*make, "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem"]
    leaf = [
        *make,
        "-subj",
        "/CN=localhost",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
    ]
    leaf += ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    for command in (authority, leaf):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    number, file, ca = port(), tmp_path / "cert.pem", tmp_path / "ca.pem"
    arguments = ["--tls-port", str(number), "--tls-cert-file", str(file), "--tls-key-file", str(tmp_path / "key.pem")]
    arguments += ["--tls-ca-cert-file", str(ca), "--requirepass", "secret"]
    text = f"""
        preset = "none"
        limit = {{ requests = 2, window = "1h", store = "redis", on_error = "closed" }}
        [store.redis]
        url = "rediss://:secret@localhost:{number}/3"
        timeout = "10s"
        ca_file = "{ca}"
        client_cert_file = "{file}"
        client_key_file = "{tmp_path / "key.pem"}"
    """
    with Server(*arguments):
        protected = Mantlet(answer(), Policy(text))
        assert RUNNERS[runner](statuses(protected, 2)) == [200, 200]
        assert wsgi(Mantlet(hello, Policy(text)), environ())[0].status[:3] == "429"
        strangers = Mantlet(answer(), Policy(text.replace(f'ca_file = "{ca}"', "", 1)))
        assert RUNNERS[runner](statuses(strangers, 1)) == [503]


# clients of the application


def through(client: Any, **settings: Any) -> Policy:
    limit = bucket(3, 3600, store="redis", **settings)
    text = "preset = 'none'\nstore.redis = { url = 'redis://nowhere', timeout = '10s' }"
    return Policy(text, limits=[limit], redis=client)


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_client_of_the_application_is_asked_in_our_place(runner: str, server: Server) -> None:
    async def story() -> list[int]:
        client = redis.asyncio.Redis.from_url(server.url)
        try:
            await client.script_flush()
            return await statuses(Mantlet(answer(), through(client)), 4)
        finally:
            await client.aclose()

    assert RUNNERS[runner](story()) == [200, 200, 200, 429]
    blocking = redis.Redis.from_url(server.url)
    app = Mantlet(hello, through(blocking))
    assert wsgi(app, environ())[0].status[:3] == "429"
    assert wsgi(app, environ(REMOTE_ADDR="192.0.2.8"))[0].status[:3] == "200"
    blocking.close()


def test_a_client_for_a_policy_file_goes_into_the_middleware(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "mantlet.toml"
    text = "preset = 'none'\nlimit = { requests = 1, window = '1h', store = 'redis', on_error = 'closed' }\n"
    file.write_text(text + "store.redis = { url = 'redis://nowhere', timeout = '10s' }\n")
    client = redis.Redis.from_url(server.url)
    app = Mantlet(hello, file, redis=client, follow=0)
    assert [wsgi(app, environ())[0].status[:3] for _ in range(2)] == ["200", "429"]
    file.write_text(file.read_text() + "tell_reason = true\n")
    denied, _ = wsgi(app, environ())
    assert dict(denied.headers)["mantlet-reason"] == "limit.exceeded"
    client.close()


class Cluster:
    """Speaks as a client of a cluster does, and counts in one server."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[int] = []

    def keyslot(self, key: str) -> int:
        return 0

    async def evalsha(self, sha: str, keys: int, *rest: Any) -> Any:
        self.asked.append(keys)
        return await self._client.evalsha(sha, keys, *rest)

    async def eval(self, script: str, keys: int, *rest: Any) -> Any:
        return await self._client.eval(script, keys, *rest)


def test_limits_of_several_slots_are_asked_apart_and_what_was_taken_is_given_back(server: Server) -> None:
    limits = [
        bucket(9, 3600, name="mine", store="redis"),
        bucket(1, 3600, name="all", key="everybody", store="redis"),
    ]

    async def story() -> tuple[list[int], list[int], dict[str, tuple[int, float]]]:
        client = redis.asyncio.Redis.from_url(server.url)
        cluster = Cluster(client)
        own = Policy("preset = 'none'", limits=limits, redis=cluster)
        told = await statuses(Mantlet(answer(), own), 2)
        (other,) = [bucket(9, 3600, name="mine", store="redis")]
        seen = await Policy("preset = 'none'", limits=[other], redis=client).on_request_async(
            "GET", b"/", [], peer="192.0.2.7"
        )
        await client.aclose()
        assert seen.permit is not None
        return told, cluster.asked, seen.permit.quotas

    told, asked, quotas = asyncio.run(story())
    assert told == [200, 429]
    assert set(asked) == {1}
    # one for the request that passed, one for this question; the denied one's came back
    assert quotas["mine"][0] == 7


class Failing:
    def __init__(self, error: Exception, wait: float = 0) -> None:
        self._error, self._wait = error, wait

    async def evalsha(self, *arguments: Any) -> Any:
        await asyncio.sleep(self._wait)
        raise self._error


@pytest.mark.parametrize(
    ("client", "word"),
    [
        (Failing(redis.exceptions.ConnectionError("gone")), "unreachable"),
        (Failing(redis.exceptions.TimeoutError("late")), "timeout"),
        (Failing(redis.exceptions.AuthenticationError("no")), "refused"),
        (Failing(redis.exceptions.ReadOnlyError("replica")), "read_only"),
        (Failing(redis.exceptions.ResponseError("what")), "server"),
        (Failing(OSError("gone"), wait=60), "timeout"),
    ],
)
def test_what_a_client_raises_is_an_outage(client: Any, word: str) -> None:
    limit = bucket(1, 60, store="redis", on_error="closed")
    text = "preset = 'none'\nstore.redis = { url = 'redis://nowhere', timeout = 50 }"
    app = Mantlet(answer(), Policy(text, limits=[limit], redis=client))
    assert asyncio.run(statuses(app, 1)) == [503]
    state = app.policy.store_state()
    assert state is not None and state["failures"][word] == 1


def test_a_client_of_asyncio_is_no_client_for_a_host_that_blocks(server: Server) -> None:
    app = Mantlet(hello, through(redis.asyncio.Redis.from_url(server.url), on_error="closed"))
    assert wsgi(app, environ())[0].status[:3] == "503"


# processes, threads, memory


def test_a_fork_has_connections_of_its_own(server: Server) -> None:
    blocking = Mantlet(hello, policy(server, requests=60))

    def passing(number: int) -> int:
        return sum(wsgi(blocking, environ())[0].status[:3] == "200" for _ in range(number))

    assert passing(10) == 10
    children = []
    for _ in range(3):
        if (child := os.fork()) == 0:
            os._exit(passing(30))
        children.append(child)
    here = passing(10)
    there = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    # an hour for sixty: one more in a minute
    assert 10 + here + sum(there) in (60, 61)


def test_workers_that_gunicorn_forked_after_loading_share_the_limit(server: Server, tmp_path: Path) -> None:
    code = f"""
        from mantlet import Mantlet, Policy, RateLimitConfig
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route
        import os
        limit = RateLimitConfig.token_bucket(20, 3600, key="everybody", store="redis", on_error="closed")
        policy = Policy("preset = 'none'\\nstore.redis = {{ url = '{server.url}', timeout = '10s' }}", limits=[limit])
        # asked before the fork, too
        policy.on_request("GET", b"/", [])
        def hello(environ, start_response):
            start_response("200 OK", [])
            return [str(os.getpid()).encode()]
        async def page(request):
            return PlainTextResponse(str(os.getpid()))
        wsgi = Mantlet(hello, policy)
        asgi = Mantlet(Starlette(routes=[Route("/", page)]), policy)
    """
    (tmp_path / "preloaded.py").write_text(textwrap.dedent(code))
    for target, kind in [("preloaded:wsgi", "sync"), ("preloaded:asgi", "uvicorn_worker.UvicornWorker")]:
        assert server.tell("FLUSHALL").startswith(b"+OK")
        number = port()
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--worker-class", kind]
        command += ["--bind", f"127.0.0.1:{number}", "--no-control-socket", target]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
        try:
            told = [get(number) for _ in range(30)]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
        # one was taken while loading
        assert told.count(200) == 19 and told.count(429) == 11, (kind, told)


def get(number: int, client: str = "somebody") -> int:
    until = time.monotonic() + 60
    while True:
        request = urllib.request.Request(f"http://127.0.0.1:{number}/", headers={"x-client": client})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert time.monotonic() < until, "no server"
            time.sleep(0.05)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("on_error", ["local", "open", "closed"])
def test_uvicorn_serves_on_while_the_store_is_killed_and_paused(
    on_error: str, loop: str, own: Server, tmp_path: Path
) -> None:
    code = f"""
        from mantlet import Mantlet, Policy, RateLimitConfig
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse
        from starlette.routing import Route
        shared = {{"key": {{"header": "x-client"}}, "store": "redis", "on_error": "{on_error}"}}
        limit = RateLimitConfig.token_bucket(4, 3600, exempt_paths=["/state"], **shared)
        policy = Policy("preset = 'none'\\nstore.redis = {{ url = '{own.url}', timeout = '200ms' }}", limits=[limit])
        async def state(request):
            return JSONResponse(policy.store_state())
        async def page(request):
            return JSONResponse(None)
        app = Mantlet(Starlette(routes=[Route("/", page), Route("/state", state)]), policy)
    """
    (tmp_path / "served_limits.py").write_text(textwrap.dedent(code))
    number = port()
    command = [sys.executable, "-m", "uvicorn", "--port", str(number), "--loop", loop, "--log-level", "error"]
    process = subprocess.Popen([*command, "served_limits:app"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    counted = [200] * 4 + [429]
    without = {"local": counted, "open": [200] * 5, "closed": [503] * 5}[on_error]

    def five(client: str) -> list[int]:
        return [get(number, client) for _ in range(5)]

    try:
        assert five("a") == counted
        own.kill()
        assert five("b") == without
        own.start()
        until = time.monotonic() + PATIENCE
        while state(number)["breaker"] != "closed":
            assert time.monotonic() < until
            get(number, str(time.monotonic()))
            time.sleep(0.01)
        assert five("c") == counted
        own.pause()
        assert five("d") == without
        failures = state(number)["failures"]
        assert failures["unreachable"] >= 1 and failures["timeout"] >= 1 and failures["breaker_open"] >= 1
    finally:
        own.go_on()
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def state(number: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{number}/state", timeout=PATIENCE) as response:
        told: dict[str, Any] = json.load(response)
        return told


@pytest.mark.parametrize("ask", ["local", "redis"])
def test_memory_does_not_grow(ask: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # the records of denials are kept by the tests
    monkeypatch.setattr(logging.getLogger("mantlet"), "disabled", True)
    settings: dict[str, Any] = {"store": "redis"} if ask == "redis" else {}
    limits = [bucket(10, 3600, **settings)]
    text = f"preset = 'none'\nstore.redis = {{ url = '{server.url}', timeout = '10s' }}"
    protected = Mantlet(answer(), Policy(text, limits=limits))

    async def rounds(number: int) -> None:
        for each in range(number):
            await asyncio.gather(*(statuses(protected, 1, client=(f"10.0.{each % 50}.{n}", 1)) for n in range(20)))

    async def story() -> tuple[int, int]:
        await rounds(300)
        gc.collect()
        before, peak = len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await rounds(1000)
        gc.collect()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        return len(gc.get_objects()) - before, grown

    objects, kilobytes = asyncio.run(story())
    assert objects < 500 and kilobytes < 8_000
