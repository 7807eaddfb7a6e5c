"""The cases of `conformance`, through the middleware as ASGI and as WSGI.

Each case is made into the scope or the environ that a server makes of it. Of a target in absolute form a scope has the
path alone; an environ has what PEP 3333 asks for, so no raw path, no target, and the lines of a repeated field as one.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from drive import Message, Receive, Send, Started, exchange, wsgi
from mantlet import Mantlet, Permit, Policy, _mantlet
from redis_server import Server

tomllib = pytest.importorskip("tomllib", reason="CPython 3.10 reads no TOML")

FOLDER = Path(__file__).parents[2] / "conformance"
NONCE = "AAECAwQFBgcICQoLDA0ODw"
#: what a server writes of its message
OF_THE_SERVER = {"connection", "content-length", "date", "mantlet-reason", "transfer-encoding"}

Case = dict[str, Any]
Lines = list[tuple[str, str]]


def cases() -> Iterator[tuple[str, Case]]:
    for path in sorted(FOLDER.glob("*.toml")):
        if path.name == "Cargo.toml":
            continue
        file = tomllib.loads(path.read_text())
        for case in file["case"]:
            yield f"{path.stem}: {case['name']}", {"policy": file.get("policy")} | case


CASES = dict(cases())


class Seen:
    """What came out of an exchange."""

    def __init__(self) -> None:
        self.permit: Permit | None = None
        self.status = 0
        self.fields: Lines = []
        self.body = b""


def policy(case: Case) -> Policy:
    pinned = getattr(_mantlet, "_pinned", None)
    assert pinned is not None, "built without the feature of the tests: see tests/python.sh"
    made: Policy = pinned(case["policy"], case.get("entropy_fails", False))
    return made


def lines(section: dict[str, Any]) -> Lines:
    split = [line.split(":", 1) for line in section.get("fields", [])]
    return [(name.lower(), value.removeprefix(" ").strip(" \t")) for name, value in split]


class Asked:
    """The request of a case, as every server sees it."""

    def __init__(self, case: Case) -> None:
        request = case.get("request", {})
        self.method: str = request.get("method", "GET")
        target: str = request.get("target", "/")
        if not target.startswith("/") and "://" in target:
            rest = target.split("://", 1)[1]
            cut = min(rest.find(mark) % (len(rest) + 1) for mark in "/?")
            target = rest[cut:] if rest[cut:].startswith("/") else "/" + rest[cut:]
        self.path, _, self.query = target.partition("?")
        self.secure: bool = request.get("tls", False) or request.get("secure", False)
        self.peer: str = request.get("peer", "127.0.0.1")
        self.fields = lines(request)
        if request.get("host", True) and "host" not in dict(self.fields):
            self.fields.insert(0, ("host", "example.com"))


def body(case: Case, asked: Asked, permit: Permit) -> bytes:
    response = case.get("response", {})
    if asked.method == "HEAD" or response.get("status") == 304:
        return b""
    text: str = response.get("body", "")
    return text.replace("{nonce}", permit.nonce or "").encode()


def through_asgi(case: Case, last: Callable[[], None]) -> Seen:
    seen, asked, response = Seen(), Asked(case), case.get("response", {})

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.permit = scope["mantlet"]
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines(response)]
        await send({"type": "http.response.start", "status": response.get("status", 200), "headers": headers})
        await send({"type": "http.response.body", "body": body(case, asked, scope["mantlet"])})

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "https" if asked.secure else "http",
        "path": unquote_to_bytes(asked.path).decode("utf-8", "replace"),
        "raw_path": asked.path.encode(),
        "query_string": asked.query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.fields],
        "client": (asked.peer, 50000),
        "server": ("127.0.0.1", 80),
    }
    protected = Mantlet(app, policy(case))

    async def exchanges() -> list[Message]:
        # in one event loop, as in one server
        for _ in range(case.get("earlier", 0)):
            await exchange(protected, scope)
        seen.permit = None
        last()
        return await exchange(protected, scope)

    sent = asyncio.run(exchanges())
    seen.status = sent[0]["status"]
    seen.fields = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    seen.body = b"".join(message.get("body", b"") for message in sent[1:])
    return seen


def through_wsgi(case: Case, last: Callable[[], None]) -> Seen:
    seen, asked, response = Seen(), Asked(case), case.get("response", {})

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.permit = environ["mantlet"]
        start_response(f"{response.get('status', 200)} What the case says", lines(response))
        return [body(case, asked, environ["mantlet"])]

    environ: dict[str, Any] = {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(asked.path).decode("latin-1"),
        "QUERY_STRING": asked.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": asked.peer,
        "wsgi.url_scheme": "https" if asked.secure else "http",
        "wsgi.version": (1, 0),
    }
    for name, value in asked.fields:
        key = "HTTP_" + name.upper().replace("-", "_")
        joint = "; " if name == "cookie" else ","
        environ[key] = environ[key] + joint + value if key in environ else value
    protected = Mantlet(app, policy(case))
    for _ in range(case.get("earlier", 0)):
        wsgi(protected, environ.copy())
    seen.permit = None
    last()
    started: Started
    started, chunks = wsgi(protected, environ)
    seen.status = int(started.status.split()[0])
    seen.fields = [(name.lower(), value) for name, value in started.headers]
    seen.body = b"".join(chunks)
    return seen


def differences(case: Case, expect: dict[str, Any], seen: Seen, reasons: list[str]) -> list[str]:
    """Every difference, a sentence each."""
    found = []

    def compare(what: str, wanted: object, is_there: object) -> None:
        if wanted != is_there:
            found.append(f"{what}: expected {wanted!r}, found {is_there!r}")

    compare("the application is reached", expect["verdict"] == "allow", seen.permit is not None)
    compare(
        "reasons in the log", [expect["reason"]] if expect["verdict"] == "deny" else expect.get("reported", []), reasons
    )
    if seen.permit is not None:
        compare("reported", expect.get("reported", []), list(seen.permit.reported))
        if "client" in expect:
            compare("client", expect["client"], seen.permit.client)
    compare("status", expect.get("status", case.get("response", {}).get("status", 200)), seen.status)
    for name, wanted in expect.get("fields", {}).items():
        values: list[str] = [value for known, value in seen.fields if known == name]
        match wanted:
            case bool():
                compare(name, [], values)
            case int():
                compare(f"lines of {name}", wanted, len(values))
            case str():
                compare(name, [wanted.replace("{nonce}", NONCE)], values)
            case _:
                compare(name, [value.replace("{nonce}", NONCE) for value in wanted], values)
    if expect.get("only"):
        compare(
            "other fields", set(), {name for name, _ in seen.fields} - set(expect.get("fields", {})) - OF_THE_SERVER
        )
    if "body" in expect:
        compare("body", expect["body"].replace("{nonce}", NONCE).encode(), seen.body)
    return found


HOSTS = {"asgi": through_asgi, "wsgi": through_wsgi}


@pytest.mark.filterwarnings("ignore::mantlet.PolicyWarning")
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", CASES)
def test_the_case_comes_out_as_it_says(host: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    compared(host, CASES[name], caplog)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def in_a_store(case: Case, url: str) -> Case | None:
    """The case with its limits in a store; None if it has none that several processes can share."""
    policy = tomllib.loads(case["policy"] or "")
    limits = policy.get("limit", [])
    limits = [limits] if isinstance(limits, dict) else limits
    if not limits or any(limit.get("algorithm") in ("adaptive", "concurrency") or "store" in limit for limit in limits):
        return None
    policy["limit"] = [limit | {"store": "redis", "on_error": "closed"} for limit in limits]
    if len(limits) == 1:
        policy["limit"][0].setdefault("name", "default")
    policy["store"] = {"redis": {"url": url, "timeout": "10s"}}
    return case | {"policy": "\n".join(f"{key} = {toml(value)}" for key, value in policy.items())}


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(own)}" for key, own in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(own) for own in value) + "]"
    return json.dumps(value)


@pytest.mark.filterwarnings("ignore::mantlet.PolicyWarning")
@pytest.mark.parametrize("host", ["asgi", "wsgi"])
def test_the_cases_of_limits_come_out_the_same_in_a_store(
    host: str, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    cases = [case for case in (in_a_store(case, server.url) for case in CASES.values()) if case is not None]
    assert len(cases) > 10
    for case in cases:
        assert server.tell("FLUSHALL").startswith(b"+OK")
        caplog.clear()
        compared(host, case, caplog)


def compared(host: str, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mantlet"):
        seen = HOSTS[host](case, caplog.clear)
    # ("denied", method, path, reason, fix, evidence), and a sentence about a proxy that nobody trusts
    told = [record.args for record in caplog.records if record.name == "mantlet" and isinstance(record.args, tuple)]
    reasons = [str(arguments[3]) for arguments in told if len(arguments) > 3]
    expect = case.get("at", {}).get(host, case["expect"])
    assert not differences(case, expect, seen, reasons), case["name"]


def test_wrong_expectations_are_found() -> None:
    policy = {"policy": "", "request": {"peer": "127.0.0.9"}, "response": {"body": "hello"}}
    wrong: list[dict[str, Any]] = [
        {"verdict": "deny", "reason": "https.required", "status": 200},
        {"verdict": "allow", "status": 404},
        {"verdict": "allow", "fields": {"x-content-type-options": "sniff"}},
        {"verdict": "allow", "fields": {"x-content-type-options": ["nosniff", "nosniff"]}},
        {"verdict": "allow", "fields": {"x-content-type-options": False}},
        {"verdict": "allow", "fields": {"x-content-type-options": 2}},
        {"verdict": "allow", "body": "hallo"},
        {"verdict": "allow", "client": "127.0.0.10"},
        {"verdict": "allow", "reported": ["origin.cross-site"]},
        {"verdict": "allow", "only": True},
    ]
    for run in HOSTS.values():
        seen = run(policy, lambda: None)
        assert not differences(policy, {"verdict": "allow", "client": "127.0.0.9", "body": "hello"}, seen, [])
        for expect in wrong:
            assert differences(policy, expect, seen, []), expect
