"""Rate limits that this process counts: `RateLimitConfig`, the policy file, ASGI, WSGI and `Policy.on_request`."""

import asyncio
import copy
import gc
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
from drive import Message, Receive, Send, answer, asgi, environ, exchange, scope, wsgi
from mantlet import Mantlet, Permit, Policy, PolicyError, RateLimitConfig

bucket, window, adaptive = RateLimitConfig.token_bucket, RateLimitConfig.sliding_window, RateLimitConfig.adaptive


def policy(*limits: RateLimitConfig, **keywords: Any) -> Policy:
    return Policy(preset="none", limits=limits, **keywords)


def passing(policy: Policy, times: int = 9, path: bytes = b"/", method: str = "GET", **facts: Any) -> int:
    """How many of some requests pass, one after the other."""
    headers = facts.pop("headers", [])
    facts = {"peer": "192.0.2.1"} | facts
    return sum(policy.on_request(method, path, headers, **facts).denial is None for _ in range(times))


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [])
    return [b"hello"]


# what RateLimitConfig says


def test_a_config_is_frozen_equal_to_its_like_and_says_how_it_was_made() -> None:
    config = bucket(100, 60, key={"header": "x-api-key"}, paths=["/a"])
    assert config == bucket(requests=100, window=60, key={"header": "x-api-key"}, paths=("/a",))
    assert config != bucket(100, 61, key={"header": "x-api-key"}, paths=["/a"])
    assert hash(config) == hash(copy.copy(config))
    assert repr(config) == (
        "RateLimitConfig.token_bucket(requests=100, window=60, key={'header': 'x-api-key'}, paths=('/a',))"
    )
    assert eval(repr(config)) == config
    assert repr(adaptive(100, 60)) == (
        "RateLimitConfig.adaptive(base_requests=100, window=60, min_requests=10, cpu_threshold=0.8, "
        "memory_threshold=0.9, latency_threshold=100)"
    )
    assert eval(repr(adaptive(100, 60))) == adaptive(100, 60)
    assert replace(config, requests=5) == bucket(5, 60, key={"header": "x-api-key"}, paths=["/a"])
    with pytest.raises(FrozenInstanceError):
        config.requests = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: bucket(0, 60), "limit.requests"),
        (lambda: bucket(1.5, 60), "limit.requests"),  # type: ignore[arg-type]
        (lambda: bucket(True, 60), "not a boolean"),
        (lambda: bucket(1, 0), "limit.window: takes a time"),
        (lambda: bucket(1, -1), "limit.window: takes a time"),
        (lambda: bucket(1, float("nan")), "limit.window: takes a time"),
        (lambda: bucket(1, "1m"), "limit.window: takes a time"),  # type: ignore[arg-type]
        (lambda: bucket(1, 0.0005), "whole milliseconds"),
        (lambda: bucket(1, 10**9), "366 days"),
        (lambda: bucket(1, 60, burst=0), "limit.burst"),
        (lambda: bucket(1, 60, name="a b"), "is no name"),
        (lambda: bucket(1, 60, key="ip"), "limit.key"),
        (lambda: bucket(1, 60, key=[]), "names nobody"),
        (lambda: bucket(1, 60, methods=["get"]), "limit.methods"),
        (lambda: bucket(1, 60, paths=["login"]), "limit.paths"),
        (lambda: bucket(1, 60, cost=2), "never passes"),
        (lambda: bucket(1, 60, exempt_clients=["10.0.0.0/99"]), "limit.exempt_clients"),
        (lambda: bucket(1, 60, on_error="open"), "is about a store"),
        (lambda: bucket(1, 60, disposition="off"), "limit.disposition"),  # type: ignore[arg-type]
        (lambda: adaptive(5, 60), "limit.min_requests"),
        # each setting reaches its key
        (lambda: adaptive(100, 60, cpu_threshold=1.5), "limit.cpu_threshold"),
        (lambda: adaptive(100, 60, memory_threshold=float("inf")), "limit.memory_threshold"),
        (lambda: adaptive(100, 60, latency_threshold=0), "limit.latency_threshold"),
        (lambda: adaptive(100, 60, health_paths=["up"]), "limit.health_paths"),
        (lambda: window(1, 60, mode="loose"), "limit.mode"),  # type: ignore[arg-type]
        (lambda: RateLimitConfig(algorithm="token_bucket", requests=1, window=60, mode="strict"), "belongs to sliding"),
        (lambda: RateLimitConfig(algorithm="leaky", requests=1, window=60), "limit.algorithm"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_meant_is_a_value_error_that_says_so(made: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        made()


def test_limits_of_one_name_and_a_store_that_is_nowhere_are_policy_errors() -> None:
    with pytest.raises(PolicyError, match="each needs one of its own"):
        policy(bucket(1, 60), bucket(2, 60))
    with pytest.raises(PolicyError, match="does not say where"):
        policy(bucket(1, 60, store="redis"))
    with pytest.raises(PolicyError, match="limit_headers"):
        policy(bucket(1, 60), limit_headers="ietf")
    with pytest.raises(PolicyError, match=r"store\.redis"):
        policy(bucket(1, 60, store="redis"), redis="http://a")
    with pytest.raises(TypeError, match="limits are RateLimitConfig"):
        policy("100/minute")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="redis goes into the Policy"):
        Mantlet(hello, policy(bucket(1, 60)), redis=object())


# every setting acts


def test_requests_window_and_burst_say_how_many() -> None:
    assert passing(policy(bucket(3, 60))) == 3
    assert passing(policy(bucket(requests=3, window=60, burst=1))) == 1
    assert passing(policy(window(2, 60))) == 2
    assert passing(policy(window(2, 60, mode="interpolated"))) == 2
    # whatever this host is busy with
    calm = {"cpu_threshold": 1.0, "memory_threshold": 1.0, "latency_threshold": 3_600_000}
    assert passing(policy(adaptive(base_requests=12, window=3600, **calm)), times=20) == 12


def test_a_window_may_be_a_part_of_a_second_and_comes_to_its_end() -> None:
    short = policy(bucket(1, 0.05, name="short"))
    assert passing(short) == 1
    until = time.monotonic() + 20
    while passing(short, 1) == 0:
        assert time.monotonic() < until
    denied = policy(bucket(1, 0.5), limit_headers="off")
    passing(denied, 1)
    denial = denied.on_request("GET", b"/", [], peer="192.0.2.1").denial
    assert denial is not None and (b"retry-after", b"1") in denial.headers


def test_key_says_who_is_counted() -> None:
    def two(limit: RateLimitConfig, **other: Any) -> int:
        own = policy(limit, trusted_proxies=["192.0.2.0/24"])
        return passing(own, 2) + passing(own, 2, **other)

    assert two(bucket(1, 60), peer="198.51.100.1") == 2
    assert two(bucket(1, 60, key="everybody"), peer="198.51.100.1") == 1
    assert two(bucket(1, 60, ipv4_prefix=8), peer="192.51.100.1") == 1
    assert two(bucket(1, 60, key={"header": "x-api-key"}), headers=[(b"x-api-key", b"a")]) == 2
    assert two(bucket(1, 60, key=["client", {"header": "x-api-key"}]), headers=[(b"x-api-key", b"a")]) == 2
    routes = Policy("preset = 'none'\nroute = [{ path = '/a' }, { path = '/b' }]", limits=[bucket(1, 60, key="route")])
    assert passing(routes, 2, b"/a") + passing(routes, 2, b"/a/x") + passing(routes, 2, b"/b") == 2
    v6 = policy(bucket(1, 60, ipv6_prefix=48))
    assert passing(v6, 1, peer="2001:db8:1:1::1") + passing(v6, 1, peer="2001:db8:1:2::1") == 1


def test_paths_methods_and_exemptions_say_what_is_counted() -> None:
    login = policy(bucket(1, 60, paths=["/login"], methods=["POST"]))
    assert passing(login, 3, b"/login") == 3
    assert passing(login, 3, b"/", "POST") == 3
    assert passing(login, 3, b"/login/now", "POST") == 1
    spared = policy(bucket(1, 60, exempt_paths=["/static"], exempt_clients=["10.0.0.0/8"]))
    assert passing(spared, 3, b"/static/a.css") == 3
    assert passing(spared, 3, peer="10.1.2.3") == 3
    assert passing(spared, 3) == 1


def test_cost_is_what_a_request_takes() -> None:
    assert passing(policy(bucket(10, 60, cost=5))) == 2
    assert passing(policy(bucket(1, 60, cost=0))) == 9


def test_a_cost_function_is_given_the_scope_the_environ_or_the_request_of_a_hook() -> None:
    given: list[Any] = []

    def cost(request: Any) -> int:
        given.append(request)
        return 4

    own = policy(bucket(10, 60, cost=cost))
    assert passing(own, request="a request") == 2
    assert given == ["a request"] * 9
    protected = Mantlet(answer(), policy(bucket(10, 60, cost=cost)))
    request = scope()
    assert [asgi(protected, request)[0]["status"] for _ in range(3)] == [200, 200, 429]
    assert given[-1] is request
    asked = environ()
    started, _ = wsgi(Mantlet(hello, policy(bucket(10, 60, cost=cost))), asked)
    assert started.status == "200 OK" and given[-1] is asked


@pytest.mark.parametrize("told", [ZeroDivisionError("oops"), None, "1", -1, 2**32, True, 1.0])
@pytest.mark.parametrize("disposition", ["enforce", "report"])
def test_a_cost_function_that_fails_denies_and_the_log_has_the_traceback(
    told: Any, disposition: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def cost(request: object) -> int:
        if isinstance(told, Exception):
            raise told
        return told  # type: ignore[no-any-return]

    own = policy(bucket(10, 60, cost=cost, disposition=disposition, key="everybody"), bucket(2, 60, name="other"))
    sent = asgi(Mantlet(answer(), own), scope())
    assert sent[0]["status"] == 500 and b"oops" not in sent[1]["body"]
    assert any(record.exc_info for record in caplog.records)
    assert "limit.cost" in caplog.text
    assert own.limit_states()[0]["admitted"] == 0


def test_a_cost_function_may_call_another_application() -> None:
    inner = Mantlet(hello, policy(bucket(1, 60, cost=lambda environ: len(environ["PATH_INFO"]))))

    def cost(request: dict[str, Any]) -> int:
        wsgi(inner, environ())
        return len(request["PATH_INFO"])

    own = policy(bucket(7, 60, cost=cost), bucket(7, 60, name="second", cost=cost))
    outer = Mantlet(hello, own)
    assert [wsgi(outer, environ(PATH_INFO="/abc"))[0].status[:3] for _ in range(2)] == ["200", "429"]


def test_disposition_report_denies_nothing_and_enforce_percent_all_the_same() -> None:
    quiet = policy(bucket(1, 60, disposition="report"))
    assert passing(quiet) == 9
    state = quiet.limit_states()[0]
    assert (state["admitted"], state["reported"], state["exceeded"]) == (1, 8, 0)
    assert passing(policy(bucket(1, 60, disposition="report", enforce_percent=100))) == 1


def test_max_keys_bounds_what_is_remembered() -> None:
    few = policy(bucket(1, 60, max_keys=8))
    for last in range(200):
        passing(few, 1, peer=f"10.0.0.{last}")
    state = few.limit_states()[0]
    assert state["capacity"] <= 64 and state["evicted"] > 0


def test_on_error_and_nodes_say_what_becomes_of_requests_without_the_store() -> None:
    def of(**settings: Any) -> Policy:
        return policy(bucket(4, 60, store="redis", **settings), redis="unix:///no/such/socket")

    assert passing(of()) == 4
    assert passing(of(nodes=2)) == 2
    assert passing(of(on_error="open")) == 9
    closed = of(on_error="closed")
    denial = closed.on_request("GET", b"/", [], peer="192.0.2.1").denial
    assert denial is not None and (denial.status, denial.reason) == (503, "limit.unavailable")


PRESSURE: dict[str, Any] = {"cpu_threshold": 1, "memory_threshold": 1, "latency_threshold": 3_600_000}


def slow(seconds: float) -> Any:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        time.sleep(seconds)
        await answer()(scope, receive, send)

    return app


def shed_by(limit: RateLimitConfig, seconds: float, path: str = "/") -> int:
    """How often one client is shed after others have had slow answers for a while."""
    own = policy(limit)
    protected = Mantlet(slow(seconds), own)

    async def requests() -> int:
        until = time.monotonic() + 2.6
        number = 0
        while time.monotonic() < until:
            number += 1
            await exchange(protected, scope(client=(f"10.0.0.{number % 250}", 1)))
        sent = [await exchange(protected, scope(path=path, raw_path=path.encode())) for _ in range(9)]
        return sum(messages[0]["status"] == 503 for messages in sent)

    return asyncio.run(requests())


def test_latency_of_real_answers_sheds_down_to_min_requests() -> None:
    # at the start of a response, by the clock of this host: 20 ms are above 5, and below 1000
    tight: dict[str, Any] = {**PRESSURE, "latency_threshold": 5}
    assert 0 < shed_by(adaptive(12, 1000, **tight, min_requests=2), 0.02) <= 7
    assert shed_by(adaptive(12, 1000, **tight, min_requests=12), 0.02) == 0
    assert shed_by(adaptive(12, 1000, **{**tight, "latency_threshold": 1000}, min_requests=2), 0.02) == 0
    assert shed_by(adaptive(12, 1000, **tight, min_requests=2, health_paths=["/up"]), 0.02, "/up/x") == 0


def test_the_sensors_of_this_host_are_read_where_a_limit_is_adaptive() -> None:
    own = policy(adaptive(1000, 1000))
    until = time.monotonic() + 20
    while own.limit_states()[0]["memory"] is None:
        assert time.monotonic() < until
        passing(own, 50)
    state = own.limit_states()[0]
    assert 0 < state["memory"] <= 1 and 0 < state["ratio"] <= 1
    assert policy(bucket(1, 60)).limit_states()[0]["memory"] is None


# hosts


def test_a_request_within_its_limits_gets_no_coroutine_of_ours() -> None:
    class Awaitable:
        def __await__(self) -> Any:
            yield from ()

    theirs = Awaitable()

    def app(scope: Message, receive: Receive, send: Send) -> Awaitable:
        return theirs

    protected = Mantlet(app, policy(bucket(1, 60)))

    async def nothing(*arguments: object) -> Any: ...

    assert protected(scope(), nothing, nothing) is theirs
    denied: Any = protected(scope(), nothing, nothing)
    assert denied is not theirs
    denied.close()


def test_asgi_denies_with_the_fields_of_the_limit_and_the_permit_has_the_quotas() -> None:
    seen: list[Permit] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope["mantlet"])
        await answer()(scope, receive, send)

    protected = Mantlet(app, policy(bucket(2, 60, name="minute"), bucket(9, 60, name="all", key="everybody")))
    sent = [asgi(protected, scope()) for _ in range(3)]
    assert [messages[0]["status"] for messages in sent] == [200, 200, 429]
    assert seen[0].quotas["minute"][0] == 1 and seen[1].quotas["minute"][0] == 0
    assert 55 < seen[1].quotas["minute"][1] <= 60 and seen[1].quotas["all"][0] == 7
    fields = dict(sent[2][0]["headers"])
    assert 30 <= int(fields[b"retry-after"]) <= 36
    assert fields[b"ratelimit"].startswith(b'"minute";r=0;t=30')
    assert fields[b"content-type"] == b"application/problem+json"
    assert b'"violated-policies":["minute"]' in sent[2][1]["body"]


def test_what_limits_tell_replaces_what_the_application_says_and_no_other_field() -> None:
    own = [(b"RateLimit", b"mine"), (b"x-own", b"1"), (b"ratelimit", b"mine too"), (b"content-type", b"text/plain")]
    protected = Mantlet(answer(own), Policy(limits=[bucket(9, 60)]))
    for left in (8, 7):
        fields = asgi(protected, scope())[0]["headers"]
        assert [value for name, value in fields if name.lower() == b"ratelimit"] == [b'"default";r=%d;t=7' % left]
        assert dict(fields)[b"x-own"] == b"1" and dict(fields)[b"x-content-type-options"] == b"nosniff"
        assert len({name.lower() for name, _ in fields}) == len(fields)
    assert own[0] == (b"RateLimit", b"mine")


def test_a_websocket_handshake_counts() -> None:
    protected = Mantlet(answer(), policy(bucket(1, 60)))
    asgi(protected, scope("websocket", scheme="ws"))
    assert asgi(protected, scope("websocket", scheme="ws")) == [{"type": "websocket.close", "code": 1008}]


def test_wsgi_denies_and_its_environ_has_the_quotas() -> None:
    seen: list[Permit] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen.append(environ["mantlet"])
        return hello(environ, start_response)

    protected = Mantlet(app, policy(bucket(1, 60), limit_headers="legacy"))
    first, _ = wsgi(protected, environ())
    assert dict(first.headers) == {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
    assert seen[0].quotas["default"][0] == 0
    denied, body = wsgi(protected, environ())
    assert denied.status == "429 Too Many Requests" and b"Too many requests." in b"".join(body)
    by_key = Mantlet(app, policy(bucket(1, 60, key={"header": "x-api-key"})))
    told = [wsgi(by_key, environ(HTTP_X_API_KEY=key))[0].status[:3] for key in ("a", "a", "b")]
    assert told == ["200", "429", "200"]


def test_a_denial_names_its_limits_here_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    own = policy(bucket(1, 60, name="few"))
    passing(own, 1)
    denial = own.on_request("GET", b"/", [], peer="192.0.2.1").denial
    assert denial is not None and denial.limits == ("few",)
    protected = Mantlet(hello, own)
    with caplog.at_level(logging.WARNING, "mantlet"):
        wsgi(protected, environ(REMOTE_ADDR="192.0.2.1"))
    assert "limit.exceeded" in caplog.text and "limit=few" in caplog.text


def test_on_request_async_waits_for_nothing_without_a_store() -> None:
    own = policy(bucket(1, 60))

    async def two() -> list[bool]:
        told = [await own.on_request_async("GET", b"/", [], peer="192.0.2.1") for _ in range(2)]
        return [exchange.denial is None for exchange in told]

    assert asyncio.run(two()) == [True, False]


def test_clients_without_an_address_share_one_quota_and_the_log_says_so_once() -> None:
    # the warning comes once in the life of a process
    code = """
        import logging
        from starlette.testclient import TestClient
        from starlette.applications import Starlette
        from mantlet import Mantlet, Policy, RateLimitConfig
        logging.basicConfig(format="%(message)s")
        policy = Policy(preset="none", limits=[RateLimitConfig.token_bucket(2, 60)])
        app = Mantlet(Starlette(), policy)
        first, second = TestClient(app), TestClient(app, client=("elsewhere", 1))
        print([first.get("/").status_code, second.get("/").status_code, first.get("/").status_code])
        print(TestClient(app, client=("192.0.2.9", 1)).get("/").status_code)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["[404,", "404,", "429]", "404"], done.stderr
    assert done.stderr.count("the server tells no IP address") == 1, done.stderr


def test_a_followed_file_goes_on_counting_where_its_limit_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mantlet.toml"
    text = "preset = 'none'\nlimit = { requests = 2, window = 60 }\n"
    file.write_text(text)
    protected = Mantlet(hello, file, follow=0)

    def status() -> str:
        return wsgi(protected, environ())[0].status[:3]

    assert [status(), status(), status()] == ["200", "200", "429"]
    file.write_text(text + "# the same\n")
    assert status() == "429"
    file.write_text(text.replace("2", "3"))
    assert status() == "200"


def test_every_process_counts_on_its_own() -> None:
    own = policy(bucket(3, 60))
    passing(own, 1)
    if (child := os.fork()) == 0:
        os._exit(passing(own))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert passing(own) == 2


def test_policies_with_limits_leave_nothing_behind() -> None:
    class Witness:
        gone = 0

        def __del__(self) -> None:
            Witness.gone += 1

    def cycle() -> None:
        witness = Witness()
        holder: list[Any] = [witness]
        own = policy(bucket(1, 60, cost=lambda request: len(holder)))
        holder.append(own)

    for _ in range(20):
        cycle()
    gc.collect()
    assert Witness.gone >= 1
