"""`Mantlet` around an ASGI application."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drive import Message, Receive, Send, answer, asgi, scope
from mantlet import Mantlet, Permit, Policy, PolicyError, Preset

FRAMED = Policy(preset="none", headers={"x-frame-options": "DENY"})
FRAME = (b"x-frame-options", b"DENY")


async def never(scope: Message, receive: Receive, send: Send) -> None:
    raise AssertionError("a denied request reaches no application")


def start(headers: Any) -> Message:
    return asgi(Mantlet(answer(headers), FRAMED), scope())[0]


@pytest.mark.parametrize("kind", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_headers_may_be_any_iterable(kind: Any) -> None:
    assert start(kind([(b"x-a", b"1")]))["headers"] == [(b"x-a", b"1"), FRAME]


def test_headers_may_be_a_generator() -> None:
    assert start(pair for pair in [(b"x-a", b"1")])["headers"] == [(b"x-a", b"1"), FRAME]


def test_headers_may_be_pairs_in_lists() -> None:
    assert start([[b"x-a", b"1"], [b"X-Frame-Options", b"SAMEORIGIN"]])["headers"] == [[b"x-a", b"1"], FRAME]


def test_headers_may_be_missing() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})

    assert asgi(Mantlet(app, FRAMED), scope()) == [{"type": "http.response.start", "status": 204, "headers": [FRAME]}]


def test_the_lists_and_messages_of_the_application_stay_as_they_are() -> None:
    own = [(b"x-a", b"1"), (b"X-Frame-Options", b"SAMEORIGIN")]
    message: Message = {"type": "http.response.start", "status": 200, "headers": own}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send(message)

    wrapped = Mantlet(app, FRAMED)
    for _ in range(3):
        assert asgi(wrapped, scope())[0]["headers"] == [(b"x-a", b"1"), FRAME]
    assert message["headers"] is own
    assert own == [(b"x-a", b"1"), (b"X-Frame-Options", b"SAMEORIGIN")]


def test_a_list_that_is_sent_does_not_grow_with_the_next_response() -> None:
    own = [(b"x-a", b"1")]
    wrapped = Mantlet(answer(own), FRAMED)
    first = asgi(wrapped, scope())[0]["headers"]
    first.append((b"x-server", b"1"))
    assert asgi(wrapped, scope())[0]["headers"] == [(b"x-a", b"1"), FRAME]


def test_every_line_of_an_overridden_field_goes_and_every_other_line_stays() -> None:
    own = [
        (b"Server", b"a"),
        (b"date", b"now"),
        (b"X-FRAME-OPTIONS", b"ALLOW"),
        (b"set-cookie", b"a=1"),
        (b"x-frame-options ", b"ALLOW"),
        (b"Set-Cookie", b"b=2"),
        (b"server", b"b"),
        (b"vary", b"accept"),
    ]
    policy = Policy(preset="none", headers={"x-frame-options": "DENY"}, header_modes={"server": "remove"})
    assert asgi(Mantlet(answer(own), policy), scope())[0]["headers"] == [
        (b"date", b"now"),
        (b"set-cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"vary", b"accept"),
        FRAME,
    ]


def test_names_that_are_not_bytes_are_left_alone() -> None:
    own = [("x-frame-options", "ALLOW"), (b"x-a", b"1"), (b"x-frame-options", "text"), None, (b"x-frame-options",)]
    assert start(own)["headers"] == [("x-frame-options", "ALLOW"), (b"x-a", b"1"), None, (b"x-frame-options",), FRAME]


def test_fixed_and_fresh_edits_come_to_the_same() -> None:
    text = "preset = 'none'\n[headers]\nx-frame-options = { value = 'DENY', mode = 'if_missing' }\nx-b = '1'\n"
    fixed, fresh = Policy(text), Policy(text + "[cookies]\nsecure = true\n[csp]\nscript-src = [\"'nonce'\"]\n")
    lists: list[list[tuple[bytes, bytes]]] = [
        [],
        [(b"x-frame-options", b"")],
        [(b"x-frame-options", b"SAMEORIGIN"), (b"X-B", b"0")],
        [(b"x-frame-options", b" "), (b"x-frame-options", b"SAMEORIGIN")],
    ]
    ours = (b"content-security-policy", b"cache-control")
    for own in lists:
        first = asgi(Mantlet(answer(own), fixed), scope())[0]["headers"]
        second = asgi(Mantlet(answer(own), fresh), scope())[0]["headers"]
        assert first == [pair for pair in second if pair[0] not in ours]


def test_only_the_start_of_a_response_is_edited() -> None:
    messages = [{"type": "http.response.start", "status": 200, "trailers": True}]
    messages += [{"type": "http.response.body", "more_body": True}, {"type": "http.response.trailers", "headers": []}]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    sent = asgi(Mantlet(app, FRAMED), scope())
    assert sent[0] == {"type": "http.response.start", "status": 200, "trailers": True, "headers": [FRAME]}
    assert sent[1] is messages[1] and sent[2] is messages[2]


def test_a_lifespan_is_untouched() -> None:
    seen: list[Any] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.extend((scope, receive, send))

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None: ...

    lifespan = {"type": "lifespan", "asgi": {"version": "3.0"}}

    async def call() -> None:
        await Mantlet(app)(lifespan, receive, send)

    with pytest.raises(PolicyError):
        Mantlet(app)
    wrapped = Mantlet(app, Policy())
    asyncio.run(run(wrapped, lifespan, receive, send))
    assert seen[0] is lifespan and seen[1] is receive and seen[2] is send
    assert lifespan == {"type": "lifespan", "asgi": {"version": "3.0"}}


async def run(app: Any, *arguments: Any, **keywords: Any) -> Any:
    return await app(*arguments, **keywords)


def test_what_the_application_returns_is_what_is_returned() -> None:
    class Own:
        def __await__(self) -> Iterator[None]:
            return iter(())

    own: Any = Own()
    wrapped: Any = Mantlet(lambda scope, receive, send: own, Policy())
    assert wrapped(scope(), print, print) is own


def test_a_server_may_call_by_keyword() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(run(Mantlet(answer(), FRAMED), scope=scope(), receive=None, send=send))
    assert sent[0]["headers"] == [FRAME]


def test_errors_of_the_application_and_of_the_server_pass() -> None:
    async def fails(scope: Message, receive: Receive, send: Send) -> None:
        raise LookupError("of the application")

    with pytest.raises(LookupError, match="of the application"):
        asgi(Mantlet(fails, FRAMED), scope())

    async def gone(message: Message) -> None:
        raise ConnectionError("of the server")

    async def careful(scope: Message, receive: Receive, send: Send) -> None:
        with pytest.raises(ConnectionError, match="of the server"):
            await send({"type": "http.response.start", "status": 200, "headers": []})

    asyncio.run(run(Mantlet(careful, FRAMED), scope(), None, gone))


def test_the_permit_is_in_the_scope() -> None:
    seen: list[Permit] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope["mantlet"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

    policy = Policy(csp={"script-src": ["'nonce'"]}, trusted_proxies=["10.0.0.0/8"])
    headers = [(b"host", b"app.example"), (b"x-forwarded-for", b"192.0.2.9"), (b"x-forwarded-proto", b"https")]
    sent = asgi(Mantlet(app, policy), scope(client=("10.0.0.1", 1), headers=headers))
    permit = seen[0]
    assert isinstance(permit, Permit)
    assert (permit.client, permit.secure, permit.reported) == ("192.0.2.9", True, ())
    sent_headers = dict(sent[0]["headers"])
    assert f"'nonce-{permit.nonce}'".encode() in sent_headers[b"content-security-policy"]
    assert b"strict-transport-security" in sent_headers


def test_every_response_has_the_nonce_of_its_own_request() -> None:
    policy = Policy(
        preset="none",
        csp={"script-src": ["'nonce'"], "img-src": ["'self'"]},
        csp_report_only={"style-src": ["'nonce'"], "report-uri": ["/csp"]},
        headers={"x-a": "1"},
    )
    told: list[str] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        told.append(scope["mantlet"].nonce)
        headers = [(b"content-type", b"text/html"), (b"X-A", b"0"), (b"content-security-policy", b"sandbox")]
        await send({"type": "http.response.start", "status": 200, "headers": headers[: len(told)]})

    wrapped = Mantlet(app, policy)
    for count in (1, 2, 3, 3):
        headers = asgi(wrapped, scope())[0]["headers"]
        nonce = told[-1].encode()
        own = [(b"content-security-policy", b"sandbox")] if count == 3 else []
        assert headers == [
            (b"content-type", b"text/html"),
            *own,
            (b"content-security-policy", b"script-src 'nonce-" + nonce + b"'; img-src 'self'"),
            (b"content-security-policy-report-only", b"style-src 'nonce-" + nonce + b"'; report-uri /csp"),
            (b"x-a", b"1"),
            (b"cache-control", b"private"),
        ]
    assert len(set(told)) == 4


@pytest.mark.parametrize(("scheme", "sent"), [("https", True), ("http", False)])
def test_hsts_goes_out_over_https(scheme: str, sent: bool) -> None:
    headers = dict(asgi(Mantlet(answer(), Policy()), scope(scheme=scheme))[0]["headers"])
    assert (b"strict-transport-security" in headers) is sent


def test_a_denied_request_is_answered_and_reaches_no_application(caplog: pytest.LogCaptureFixture) -> None:
    wrapped = Mantlet(never, Policy())
    headers = [(b"host", b"app.example"), (b"sec-fetch-site", b"cross-site"), (b"accept", b"text/html")]
    with caplog.at_level(logging.INFO, "mantlet"):
        start, body = asgi(wrapped, scope(method="POST", headers=headers, raw_path=b"/a%20b?c"))
    assert (start["type"], start["status"]) == ("http.response.start", 403)
    sent = dict(start["headers"])
    assert sent[b"content-type"] == b"text/html; charset=utf-8"
    assert sent[b"content-length"] == str(len(body["body"])).encode()
    assert sent[b"x-frame-options"] == b"SAMEORIGIN"
    assert body["type"] == "http.response.body" and body["body"].startswith(b"<!doctype html>")
    (record,) = caplog.records
    assert record.name == "mantlet"
    assert record.getMessage().startswith("denied: POST /a%20b: origin.cross-site (")
    assert "allowed_origins" in record.getMessage()


def test_a_denial_of_head_has_no_body() -> None:
    _, body = asgi(Mantlet(never, Policy(hosts=["other.example"])), scope(method="HEAD"))
    assert body["body"] == b""


def test_what_is_only_reported_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[tuple[str, ...]] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope["mantlet"].reported)

    headers = [(b"host", b"app.example"), (b"origin", b"https://evil.example")]
    asgi(Mantlet(app, Policy(cross_origin="report")), scope(method="POST", headers=headers))
    assert seen == [("origin.foreign",)]
    told = caplog.records[0].getMessage()
    assert told.startswith("would be denied: POST /: origin.foreign (")
    assert "; host=" in told and " origin=https://" in told


def test_a_log_handler_that_fails_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", told.append)

    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise OSError("no space left")

    broken = Broken()
    logging.getLogger("mantlet").addFilter(broken)
    try:
        start, _ = asgi(Mantlet(never, Policy(hosts=["other.example"])), scope())
    finally:
        logging.getLogger("mantlet").removeFilter(broken)
    assert start["status"] == 400
    assert isinstance(told[0].exc_value, OSError)


def test_a_redirect_keeps_path_and_query_as_they_came() -> None:
    wrapped = Mantlet(never, Policy(https="redirect"))
    start, _ = asgi(wrapped, scope(raw_path=b"/a%2Fb", path="/a/b", query_string=b"c=%20"))
    assert dict(start["headers"])[b"location"] == b"https://app.example/a%2Fb?c=%20"


def test_without_a_raw_path_the_path_is_escaped_again() -> None:
    wrapped = Mantlet(never, Policy(https="redirect"))
    facts = scope(path="/caf\u00e9 ?#%")
    del facts["raw_path"]
    start, _ = asgi(wrapped, facts)
    assert dict(start["headers"])[b"location"] == b"https://app.example/caf%C3%A9%20%3F%23%25"


def test_routes_go_by_the_path() -> None:
    text = "preset = 'none'\nheaders.x-a = 'root'\n[[route]]\npath = '/docs'\nheaders.x-a = 'docs'\n"
    wrapped = Mantlet(answer(), Policy(text))
    sent = {path: dict(asgi(wrapped, scope(raw_path=path))[0]["headers"])[b"x-a"] for path in (b"/", b"/docs/a", b"/d")}
    assert sent == {b"/": b"root", b"/docs/a": b"docs", b"/d": b"root"}


@pytest.mark.parametrize("method", ["GE T", "", "G\u00c4T"])
def test_a_method_that_is_no_token_is_denied(method: str) -> None:
    assert asgi(Mantlet(never, Policy()), scope(method=method))[0]["status"] == 400


def test_a_server_that_sends_no_bytes_is_told_so() -> None:
    with pytest.raises(TypeError, match="bytes"):
        asgi(Mantlet(never, Policy()), scope(headers=[("host", "app.example")]))
    with pytest.raises(TypeError):
        Mantlet(never, Policy())([], print, print)  # type: ignore[call-overload]


def test_request_headers_that_can_be_read_once_reach_the_application() -> None:
    seen: list[Any] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.extend(scope["headers"])

    own = [(b"host", b"app.example"), (b"x-a", b"1")]
    asgi(Mantlet(app, Policy()), scope(headers=iter(own)))
    assert seen == own


@pytest.mark.parametrize("client", [None, ("testclient", 1), ("unix:", 0), [], ("fe80::1%eth0", 1), "127.0.0.1"])
def test_odd_clients_are_no_error(client: Any) -> None:
    assert asgi(Mantlet(answer(), Policy()), scope(client=client))[0]["status"] == 200


def test_a_status_that_is_none_is_left_to_the_server() -> None:
    assert asgi(Mantlet(answer(status=70000), FRAMED), scope())[0]["status"] == 70000
    assert asgi(Mantlet(answer(status="200"), FRAMED), scope())[0]["headers"] == [FRAME]  # type: ignore[arg-type]


FOREIGN = [(b"host", b"app.example"), (b"origin", b"https://evil.example")]


@pytest.mark.parametrize("upgrade", [[], [(b"upgrade", b"websocket")]], ids=["without upgrade", "with upgrade"])
def test_a_handshake_of_another_origin_is_closed(upgrade: list[tuple[bytes, bytes]]) -> None:
    wrapped = Mantlet(never, Policy())
    assert asgi(wrapped, scope("websocket", scheme="ws", headers=FOREIGN + upgrade)) == [
        {"type": "websocket.close", "code": 1008}
    ]


def test_a_handshake_is_refused_by_a_response_where_the_server_can() -> None:
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    start, body = asgi(Mantlet(never, Policy()), scope("websocket", headers=FOREIGN, extensions=extensions))
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert dict(start["headers"])[b"x-frame-options"] == b"SAMEORIGIN"
    assert body == {"type": "websocket.http.response.body", "body": b'{"detail":"Cross-origin request rejected."}'}


def test_a_handshake_of_the_same_origin_reaches_the_application_with_a_permit() -> None:
    accept = {"type": "websocket.accept", "headers": [(b"x-a", b"1")]}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["mantlet"].secure
        await send(accept)

    own = [(b"host", b"app.example"), (b"origin", b"https://app.example")]
    (sent,) = asgi(Mantlet(app, Policy()), scope("websocket", scheme="wss", headers=own))
    assert sent is accept


def test_a_refusal_of_the_application_is_a_response_too() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})

    (sent,) = asgi(Mantlet(app, FRAMED), scope("websocket"))
    assert sent["headers"] == [FRAME]


def test_a_policy_may_be_a_preset_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def frame(app: Mantlet) -> bytes | None:
        return dict(asgi(app, scope())[0]["headers"]).get(b"x-frame-options")

    assert frame(Mantlet(answer(), Preset.STRICT)) == b"DENY"
    assert frame(Mantlet(answer(), policy=Preset.NONE)) is None
    file = tmp_path / "mantlet.toml"
    file.write_text("preset = 'none'\nheaders.x-frame-options = 'DENY'\n")
    assert frame(Mantlet(answer(), file)) == frame(Mantlet(answer(), str(file))) == b"DENY"
    monkeypatch.chdir(tmp_path)
    assert frame(Mantlet(answer())) == b"DENY"
    file.unlink()
    with pytest.raises(PolicyError, match=r"mantlet\.toml"):
        Mantlet(answer())


def test_the_middleware_tells_what_it_is_made_of() -> None:
    app, policy = answer(), Policy()
    wrapped = Mantlet(app, policy)
    assert wrapped.app is app and wrapped.policy is policy


def test_a_forgotten_proxy_is_told_once_in_the_life_of_a_process() -> None:
    import subprocess
    import sys

    script = (
        "import sys, logging; sys.path.insert(0, sys.argv[1]); logging.basicConfig(format='%(name)s %(message)s')\n"
        "from drive import answer, asgi, scope; from mantlet import Mantlet, Policy\n"
        "headers = [(b'host', b'a.example'), (b'x-forwarded-for', b'192.0.2.1')]\n"
        "for _ in range(3): asgi(Mantlet(answer(), Policy()), scope(client=('127.0.0.1', 1), headers=headers))\n"
    )
    folder = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert line.startswith("mantlet 127.0.0.1 sends X-Forwarded-For") and "trusted_proxies" in line
