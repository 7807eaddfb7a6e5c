"""`Mantlet` around a WSGI application."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from drive import environ, wsgi
from mantlet import Mantlet, Permit, Policy

FRAMED = Policy(preset="none", headers={"x-frame-options": "DENY"})
FRAME = ("x-frame-options", "DENY")
Start = Callable[..., Any]


def answer(headers: Any = (), status: str = "200 OK") -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response(status, headers)
        return [b"hello"]

    return app


def never(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    raise AssertionError("a denied request reaches no application")


def sent(policy: Policy, **facts: Any) -> tuple[str, dict[str, str]]:
    started, _ = wsgi(Mantlet(answer(), policy), environ(**facts))
    return started.status, dict(started.headers)


def test_a_response_is_edited_and_the_applications_list_stays() -> None:
    own = [("Content-Type", "text/plain"), ("X-Frame-Options", "ALLOW"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    before = list(own)
    started, body = wsgi(Mantlet(answer(own), FRAMED), environ())
    assert started.status == "200 OK"
    assert started.headers == [before[0], before[2], before[3], FRAME]
    assert own == before
    assert body == [b"hello"]


def test_what_the_application_returns_is_what_the_server_gets() -> None:
    class Body:
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            yield b"hello"

        def close(self) -> None:
            self.closed = True

    body = Body()

    def app(environ: dict[str, Any], start_response: Start) -> Body:
        start_response("200 OK", [])
        return body

    _, returned = wsgi(Mantlet(app, FRAMED), environ())
    assert returned is body and not body.closed


def test_write_is_the_servers_own() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response("200 OK", [])(b"written")
        return []

    started, _ = wsgi(Mantlet(app, FRAMED), environ())
    assert started.written == [b"written"]


def test_exc_info_is_passed_on_and_the_new_headers_are_edited() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response("200 OK", [("x-a", "1")])
        try:
            raise LookupError
        except LookupError:
            start_response("500 Internal Server Error", [("x-b", "2")], sys.exc_info())
        return []

    started, _ = wsgi(Mantlet(app, FRAMED), environ())
    assert started.arguments[:2] == ("500 Internal Server Error", [("x-b", "2"), FRAME])
    assert started.arguments[2][0] is LookupError


def test_without_exc_info_the_server_is_called_with_two_arguments() -> None:
    started, _ = wsgi(Mantlet(answer(), FRAMED), environ())
    assert len(started.arguments) == 2


def test_an_error_of_the_server_reaches_the_application() -> None:
    def refuses(status: str, headers: list[tuple[str, str]]) -> None:
        raise AssertionError("of the server")

    with pytest.raises(AssertionError, match="of the server"):
        Mantlet(answer(), FRAMED)(environ(), refuses)


def test_the_validator_of_python_has_nothing_against_it() -> None:
    facts: dict[str, Any] = {}
    setup_testing_defaults(facts)
    facts["QUERY_STRING"] = ""
    assert facts["HTTP_HOST"] == "127.0.0.1"
    for policy, status in ((Policy(), 200), (Policy(hosts=["other.example"]), 400)):
        inner = answer([("Content-Type", "text/plain")])
        codes: list[str] = []

        def start(status: str, headers: Any, exc_info: Any = None, codes: list[str] = codes) -> Callable[..., object]:
            codes.append(status)
            return lambda data: None

        outer = validator(Mantlet(inner, policy))
        body = outer(dict(facts), start)
        assert b"".join(body)
        body.close()  # type: ignore[attr-defined]
        assert codes[0].startswith(str(status))


def test_the_permit_is_in_the_environ() -> None:
    seen: list[Permit] = []

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        seen.append(environ["mantlet"])
        start_response("200 OK", [("Content-Type", "text/html")])
        return []

    policy = Policy(csp={"script-src": ["'nonce'"]}, trusted_proxies=["10.0.0.0/8"])
    told = environ(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.9", HTTP_X_FORWARDED_PROTO="https")
    started, _ = wsgi(Mantlet(app, policy), told)
    permit = seen[0]
    assert (permit.client, permit.secure) == ("192.0.2.9", True)
    assert f"'nonce-{permit.nonce}'" in dict(started.headers)["content-security-policy"]
    assert "strict-transport-security" in dict(started.headers)


def test_hsts_goes_out_over_https() -> None:
    assert "strict-transport-security" in sent(Policy(), **{"wsgi.url_scheme": "https"})[1]
    assert "strict-transport-security" not in sent(Policy())[1]


def test_a_denied_request_is_answered_and_reaches_no_application(caplog: pytest.LogCaptureFixture) -> None:
    facts = environ(REQUEST_METHOD="POST", HTTP_SEC_FETCH_SITE="cross-site", HTTP_ACCEPT="text/plain")
    started, body = wsgi(Mantlet(never, Policy()), facts)
    assert started.status == "403 Forbidden"
    assert list(body) == [b"Cross-origin request rejected.\n"]
    assert dict(started.headers)["content-length"] == "31"
    assert dict(started.headers)["x-frame-options"] == "SAMEORIGIN"
    assert all(type(text) is str for pair in started.headers for text in pair)
    assert caplog.records[0].getMessage().startswith("denied: POST /: origin.cross-site (")


def test_a_denial_of_head_has_no_body() -> None:
    _, body = wsgi(Mantlet(never, Policy(hosts=["other.example"])), environ(REQUEST_METHOD="HEAD"))
    assert b"".join(body) == b""


@pytest.mark.parametrize(
    "facts",
    [
        {"HTTP_HOST": "app.example,evil.example"},
        {"HTTP_ORIGIN": "https://app.example,https://evil.example", "REQUEST_METHOD": "POST"},
        {"HTTP_SEC_FETCH_SITE": "same-origin,cross-site", "REQUEST_METHOD": "POST"},
        {"HTTP_HOST": "app.example\u2028"},
        {"HTTP_HOST": None},
        {"REQUEST_METHOD": "GE T"},
    ],
    ids=["repeated host", "repeated origin", "repeated fetch site", "no latin-1", "no host", "no method"],
)
def test_what_is_repeated_or_malformed_is_denied(facts: dict[str, Any]) -> None:
    started, _ = wsgi(Mantlet(never, Policy(hosts=["app.example"])), environ(**facts))
    assert started.status[:3] in ("400", "403")


@pytest.mark.parametrize("key", ["REQUEST_URI", "RAW_URI"])
def test_the_raw_target_goes_before_the_decoded_path(key: str) -> None:
    def location(target: str | None) -> str:
        facts = environ(SCRIPT_NAME="/app", PATH_INFO="/a/b c\xc3\xa9", QUERY_STRING="d=1", **{key: target})
        return dict(wsgi(Mantlet(never, Policy(https="redirect")), facts)[0].headers)["location"]

    assert location("/app/a%2Fb%20c?d=1") == "https://app.example/app/a%2Fb%20c?d=1"
    assert location("http://app.example/x?d=1") == "https://app.example/x?d=1"
    assert location("http://app.example") == "https://app.example/?d=1"
    assert location(None) == "https://app.example/app/a/b%20c%C3%A9?d=1"


def test_the_authority_of_an_absolute_target_has_to_be_listed_too() -> None:
    facts = environ(REQUEST_URI="http://evil.example/")
    started, _ = wsgi(Mantlet(never, Policy(hosts=["app.example"])), facts)
    assert started.status == "400 Bad Request"


def test_routes_go_by_the_path() -> None:
    text = "preset = 'none'\nheaders.x-a = 'root'\n[[route]]\npath = '/docs'\nheaders.x-a = 'docs'\n"
    assert sent(Policy(text), PATH_INFO="/docs/a")[1] == {"x-a": "docs"}
    assert sent(Policy(text), SCRIPT_NAME="/docs", PATH_INFO="/a")[1] == {"x-a": "docs"}
    assert sent(Policy(text), PATH_INFO="/doc")[1] == {"x-a": "root"}


def test_fields_of_the_policys_own_choice_are_read() -> None:
    seen: list[str | None] = []

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        seen.append(environ["mantlet"].client)
        return []

    policy = Policy(
        "[cross_origin]\nmethod_override = ['x-http-method-override']\n",
        trusted_proxies=["10.0.0.1"],
        client_address="cf-connecting-ip",
    )
    wsgi(Mantlet(app, policy), environ(REMOTE_ADDR="10.0.0.1", HTTP_CF_CONNECTING_IP="192.0.2.9"))
    assert seen == ["192.0.2.9"]
    overridden = environ(HTTP_X_HTTP_METHOD_OVERRIDE="DELETE", HTTP_SEC_FETCH_SITE="cross-site")
    started, _ = wsgi(Mantlet(never, policy), overridden)
    assert started.status == "403 Forbidden"


def test_values_beyond_ascii_pass_unchanged() -> None:
    own = [("x-a", "caf\xe9"), ("set-cookie", "a=caf\xe9"), ("x-b", "\u2028"), ("X-Frame-Options", "\u2028")]
    started, _ = wsgi(Mantlet(answer(own), FRAMED), environ())
    assert started.headers == [*own[:3], FRAME]
    hardened = Policy("preset = 'none'\ncookies.httponly = true\n")
    started, _ = wsgi(Mantlet(answer(own), hardened), environ())
    assert started.headers == [own[0], own[2], own[3], ("set-cookie", "a=caf\xe9; HttpOnly")]


def test_a_policy_without_checks_reads_no_field() -> None:
    status, headers = sent(FRAMED, HTTP_HOST=None, HTTP_ORIGIN="null", REQUEST_METHOD="POST")
    assert (status, headers) == ("200 OK", dict([FRAME]))
