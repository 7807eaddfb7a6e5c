"""CrossOriginProtection inside applications: how it is called, configured, subclassed, and composed."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pathlib
import pickle
import re
import subprocess
import sys
import warnings
import weakref
from collections import UserDict
from contextlib import asynccontextmanager
from typing import Any

import mantlet
import pytest
from cross_origin_support import Message, Scope, finish, hello, http_scope, sent_by, status_of
from mantlet.cross_origin import (
    CrossOriginProtection,
    InvalidExemptPathError,
    InvalidTrustedOriginError,
    UnsafeDefaultWarning,
)

pytestmark = pytest.mark.filterwarnings(f"ignore::{UnsafeDefaultWarning.__module__}.{UnsafeDefaultWarning.__name__}")

FOREIGN = [(b"host", b"example.com"), (b"sec-fetch-site", b"cross-site"), (b"origin", b"https://evil.example")]


def test_the_package_exports_it_and_its_exceptions() -> None:
    assert mantlet.CrossOriginProtection is CrossOriginProtection
    assert mantlet.InvalidTrustedOriginError is InvalidTrustedOriginError
    assert mantlet.InvalidExemptPathError is InvalidExemptPathError


def test_its_parameters_are_those_of_the_published_package() -> None:
    theirs = pytest.importorskip("asgi_cross_origin_protection")
    ours = inspect.signature(CrossOriginProtection).parameters.values()
    expected = inspect.signature(theirs.CrossOriginProtection).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in expected]


def test_a_form_of_another_site_gets_the_documented_answer() -> None:
    start, body = sent_by(CrossOriginProtection(hello), http_scope(headers=FOREIGN))
    assert start["status"] == 403
    assert (b"content-type", b"application/json") in start["headers"]
    assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    assert body["body"] == b'{"detail": "Cross-origin request rejected by middleware."}'


def test_deny_app_answers_in_place_of_the_application() -> None:
    seen: list[Any] = []

    async def deny(scope: Scope, receive: Any, send: Any) -> None:
        seen.extend([scope, receive, send])

    receive, send, scope = object(), object(), http_scope(headers=FOREIGN)
    finish(CrossOriginProtection(hello, deny_app=deny)(scope, receive, send))
    assert seen[0] is scope and seen[1] is receive and seen[2] is send


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_application_gets_the_very_objects_of_the_server_and_its_awaitable_is_returned(method: str) -> None:
    awaitable = object()
    seen: list[Any] = []

    def app(*given: Any) -> Any:
        seen.extend(given)
        return awaitable

    scope, receive, send = http_scope(method, headers=[(b"host", b"example.com")]), object(), object()
    assert CrossOriginProtection(app)(scope, receive, send) is awaitable
    assert seen[0] is scope and seen[1] is receive and seen[2] is send


def test_daphne_calls_with_keywords() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    finish(CrossOriginProtection(hello)(scope=http_scope("GET"), receive=None, send=send))
    assert sent[0]["status"] == 200


def test_the_header_list_of_the_scope_stays_as_it_is() -> None:
    scope = http_scope(headers=FOREIGN)
    before = copy.deepcopy(scope)
    headers = scope["headers"]
    sent_by(CrossOriginProtection(hello, exempt_paths=["/hook"]), scope)
    assert scope == before and scope["headers"] is headers


@pytest.mark.parametrize("shape", [list, tuple])
def test_pairs_may_be_lists_and_the_headers_a_tuple(shape: type) -> None:
    scope = http_scope()
    scope["headers"] = tuple(shape(pair) for pair in FOREIGN)
    assert status_of(CrossOriginProtection(hello), scope) == 403


def test_names_and_values_may_be_bytearrays() -> None:
    scope = http_scope(headers=[(bytearray(name), bytearray(value)) for name, value in FOREIGN])
    assert status_of(CrossOriginProtection(hello), scope) == 403


def test_a_name_that_is_no_bytes_is_left_alone() -> None:
    scope = http_scope(headers=[("sec-fetch-site", "cross-site"), (b"host", b"example.com")])
    assert status_of(CrossOriginProtection(hello), scope) == 200


def test_a_value_that_is_no_bytes_is_an_error_and_no_way_in() -> None:
    with pytest.raises(TypeError):
        sent_by(CrossOriginProtection(hello), http_scope(headers=[(b"origin", "https://evil.example")]))


def test_a_scope_may_be_any_mapping() -> None:
    assert status_of(CrossOriginProtection(hello), UserDict(http_scope(headers=FOREIGN))) == 403
    assert status_of(CrossOriginProtection(hello), UserDict(http_scope("GET", headers=FOREIGN))) == 200


@pytest.mark.parametrize("key", ["type", "headers"])
def test_a_scope_without_what_asgi_asks_for_is_a_key_error(key: str) -> None:
    scope = http_scope(headers=FOREIGN)
    del scope[key]
    with pytest.raises(KeyError, match=key):
        sent_by(CrossOriginProtection(hello), scope)


def test_a_scope_without_a_method_is_judged_as_one_that_changes_something() -> None:
    scope = http_scope(headers=FOREIGN)
    del scope["method"]
    assert status_of(CrossOriginProtection(hello), scope) == 403


def test_long_cookies_and_tokens_are_nobodys_business_here() -> None:
    headers = [(b"host", b"example.com"), (b"sec-fetch-site", b"same-origin"), (b"cookie", b"a=" + b"x" * 100_000)]
    headers.append((b"authorization", b"Negotiate " + b"x" * 100_000))
    assert status_of(CrossOriginProtection(hello), http_scope(headers=headers)) == 200


EXEMPT = [
    # as servers send it: raw_path is what was asked, path is decoded
    ("/hook/a%2fb", "/hook/a/b", 403),
    ("/hook/a", "/hook/a", 200),
    ("/%C3%BC/a", "/\u00fc/a", 200),
    # no raw_path: path is all there is
    (None, "/hook/a", 200),
    (None, "/\u00fc/a", 200),
    (None, "/hook/../a", 403),
    (None, "/hook/%2e%2e/a", 403),
    # somebody in front has set path anew: it is what the application goes by
    ("/api/hook/a", "/hook/a", 200),
    ("/hook/a", "/admin", 403),
    ("/hook/a", "/api/hook/a", 403),
    ("/hook/%ff", "/hook/\ufffd", 200),
    # no path at all
    (None, None, 403),
    ("/hook", None, 403),
    # a path that is no text
    (None, "/hook/\udcff", 403),
]


@pytest.mark.parametrize(("raw_path", "path", "expected"), EXEMPT)
def test_an_exemption_goes_by_the_path_as_it_came(raw_path: str | None, path: str | None, expected: int) -> None:
    scope = http_scope(headers=FOREIGN)
    for key, value in (("raw_path", raw_path and raw_path.encode()), ("path", path)):
        del scope[key]
        if value is not None:
            scope[key] = value
    middleware = CrossOriginProtection(hello, exempt_paths=["/hook", "/\u00fc"])
    assert status_of(middleware, scope) == expected


def test_raw_path_may_be_none() -> None:
    scope = {**http_scope(headers=FOREIGN, raw_path=b"/hook"), "raw_path": None}
    assert status_of(CrossOriginProtection(hello, exempt_paths=["/hook"]), scope) == 200


def test_arguments_may_be_any_iterable_and_can_be_read_back() -> None:
    app = CrossOriginProtection(
        hello,
        allowed_origins={"https://Partner.example"},
        exempt_paths=(path for path in ["/a", "/b/"]),
        allow_unverifiable_requests=False,
    )
    assert app.app is hello
    assert app.allowed_origins == {"https://partner.example"}
    assert app.exempt_paths == ("/a", "/b/")
    assert app.allow_unverifiable_requests is False
    assert status_of(app.deny_app, http_scope()) == 403


def test_the_configuration_is_fixed_once_made() -> None:
    app = CrossOriginProtection(hello)
    with pytest.raises(AttributeError):
        app.exempt_paths = ("/",)
    with pytest.raises(RuntimeError):
        app.__init__(hello, exempt_paths=["/"])
    assert app.exempt_paths == ()


@pytest.mark.parametrize("arguments", [{"allowed_origins": "https://partner.example"}, {"exempt_paths": "/hook"}])
def test_one_string_in_place_of_several_is_a_type_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="list"):
        CrossOriginProtection(hello, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"allowed_origins": [b"https://partner.example"]},
        {"exempt_paths": [1]},
        {"exempt_paths": 1},
        {"allow_unverifiable_requests": "false"},
        {"origins": []},
    ],
)
def test_arguments_of_another_type_or_name_are_type_errors(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        CrossOriginProtection(hello, **arguments)


def test_everything_but_the_application_is_given_by_name() -> None:
    with pytest.raises(TypeError):
        CrossOriginProtection(hello, ["https://partner.example"])
    with pytest.raises(TypeError):
        CrossOriginProtection()


@pytest.mark.parametrize("error", [InvalidTrustedOriginError("x", "no"), InvalidExemptPathError("x", "no")])
def test_errors_survive_pickling(error: InvalidTrustedOriginError | InvalidExemptPathError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.value, back.reason) == (type(error), str(error), "x", "no")


def test_the_unsafe_default_is_told_once_for_a_place_in_the_program() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(3):
            CrossOriginProtection(hello)
    (warning,) = told
    assert warning.category is UnsafeDefaultWarning
    assert "WebSocket" in str(warning.message)
    assert warning.filename == __file__


def test_a_subclass_may_have_parameters_of_its_own() -> None:
    class Ours(CrossOriginProtection):
        def __init__(self, app: Any, partner: str) -> None:
            super().__init__(app, allowed_origins=[partner])
            self.partner = partner

    app = Ours(hello, "https://partner.example")
    assert app.partner == "https://partner.example"
    headers = [(b"host", b"example.com"), (b"origin", b"https://partner.example")]
    assert status_of(app, http_scope(headers=headers)) == 200
    assert status_of(app, http_scope(headers=FOREIGN)) == 403


def test_a_subclass_may_have_a_call_of_its_own() -> None:
    class Logged(CrossOriginProtection):
        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            asked.append(scope["path"])
            await super().__call__(scope, receive, send)

    asked: list[str] = []
    app = Logged(hello)
    assert "__call__" not in vars(app)
    assert status_of(app, http_scope(raw_path=b"/a", headers=FOREIGN)) == 403
    assert asked == ["/a"]


def test_a_subclass_that_forgets_super_is_told() -> None:
    class Forgetful(CrossOriginProtection):
        def __init__(self, app: Any) -> None:
            self.inner = app

    with pytest.raises(RuntimeError, match=r"super\(\)\.__init__"):
        sent_by(Forgetful(hello), http_scope())


def test_servers_see_a_coroutine_function() -> None:
    app = CrossOriginProtection(hello)
    assert inspect.iscoroutinefunction(app.__call__)
    assert list(inspect.signature(app.__call__).parameters) == ["scope", "receive", "send"]
    start, _ = sent_by(app.__call__, http_scope(headers=FOREIGN))
    assert start["status"] == 403


def test_what_the_application_raises_arrives_unchanged() -> None:
    class Broken(Exception):
        pass

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        raise Broken

    with pytest.raises(Broken):
        sent_by(CrossOriginProtection(app), http_scope("GET"))


def test_an_application_that_knows_its_middleware_is_collected_with_it() -> None:
    class Inner:
        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            scope["middleware"] = self.middleware

        middleware: Any = None

    inner = Inner()
    inner.middleware = CrossOriginProtection(inner, deny_app=inner)
    for method in ("GET", "POST"):
        finish(inner.middleware(http_scope(method), None, None))
    collected = weakref.ref(inner), weakref.ref(inner.middleware)
    del inner
    gc.collect()
    assert [reference() for reference in collected] == [None, None]


def test_it_may_be_called_by_several_loops_at_once() -> None:
    app = CrossOriginProtection(hello)

    async def many() -> list[int]:
        async def one(scope: Scope) -> int:
            sent: list[Message] = []

            async def send(message: Message) -> None:
                await asyncio.sleep(0)
                sent.append(message)

            await asyncio.create_task(app(scope, None, send))
            return int(sent[0]["status"])

        return list(await asyncio.gather(*(one(http_scope(m, headers=FOREIGN)) for m in ["GET", "POST"] * 20)))

    assert asyncio.run(many()) == [200, 403] * 20


class TestFrameworks:
    """The ways of use that the published package documents."""

    @pytest.fixture(autouse=True)
    def frameworks(self) -> None:
        for name in ("starlette", "fastapi", "httpx2"):
            pytest.importorskip(name)

    @staticmethod
    def answers(app: Any) -> dict[str, tuple[int, str]]:
        from starlette.testclient import TestClient

        client = TestClient(app, base_url="https://example.com")
        foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
        own = {"sec-fetch-site": "same-origin", "origin": "https://example.com"}
        found = {
            "page": client.get("/", headers=foreign),
            "own form": client.post("/", headers=own),
            "own form by Origin": client.post("/", headers={"origin": "https://example.com"}),
            "program": client.post("/"),
            "foreign form": client.post("/", headers=foreign),
            "partner": client.post("/", headers={**foreign, "origin": "https://partner.example"}),
            "webhook": client.post("/hook/1", headers=foreign),
        }
        return {name: (response.status_code, response.text) for name, response in found.items()}

    DENIED = (403, '{"detail": "Cross-origin request rejected by middleware."}')

    @staticmethod
    def fastapi() -> Any:
        from fastapi import FastAPI

        app = FastAPI()

        @app.api_route("/", methods=["GET", "POST"])
        @app.post("/hook/1")
        def home() -> str:
            return "hello"

        return app

    def test_around_an_application(self) -> None:
        answers = self.answers(CrossOriginProtection(self.fastapi()))
        passed = (200, '"hello"')
        assert answers == {
            "page": passed,
            "own form": passed,
            "own form by Origin": passed,
            "program": passed,
            "foreign form": self.DENIED,
            "partner": self.DENIED,
            "webhook": self.DENIED,
        }

    def test_add_middleware_of_fastapi_with_every_setting(self) -> None:
        from starlette.responses import PlainTextResponse

        app = self.fastapi()
        app.add_middleware(
            CrossOriginProtection,
            allowed_origins=("https://partner.example",),
            exempt_paths=("/hook",),
            deny_app=PlainTextResponse("forbidden", status_code=403),
            allow_unverifiable_requests=False,
        )
        answers = self.answers(app)
        assert answers["page"] == answers["own form"] == answers["partner"] == answers["webhook"] == (200, '"hello"')
        assert answers["foreign form"] == answers["program"] == (403, "forbidden")

    def test_the_example_of_the_document(self) -> None:
        document = pathlib.Path(__file__).parents[2] / "docs/migrating-from-asgi-cross-origin-protection.md"
        (example,) = re.findall(r"```python\n(.*?FastAPI.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
        told: dict[str, Any] = {}
        exec(compile(example, str(document), "exec"), told)
        told["app"].mount("/", self.fastapi())
        answers = self.answers(told["app"])
        assert answers["own form"] == answers["partner"] == (200, '"hello"')
        assert answers["foreign form"] == (403, "forbidden")

    def test_the_middleware_list_of_starlette(self) -> None:
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        async def home(request: Any) -> PlainTextResponse:
            return PlainTextResponse("hello")

        app = Starlette(
            routes=[Route("/", home, methods=["GET", "POST"])], middleware=[Middleware(CrossOriginProtection)]
        )
        answers = self.answers(app)
        assert answers["own form"] == (200, "hello")
        assert answers["foreign form"] == self.DENIED

    def test_one_response_denies_again_and_again(self) -> None:
        from starlette.responses import PlainTextResponse
        from starlette.testclient import TestClient

        deny = PlainTextResponse("forbidden", status_code=403)
        client = TestClient(mantlet.CrossOriginIsolation(CrossOriginProtection(self.fastapi(), deny_app=deny)))
        before = list(deny.raw_headers)
        for _ in range(3):
            response = client.post("/", headers={"sec-fetch-site": "cross-site"})
            assert (response.status_code, response.text) == (403, "forbidden")
            assert response.headers.get_list("cross-origin-opener-policy") == ["same-origin"]
        assert deny.raw_headers == before

    @pytest.mark.parametrize("outer", ["protection", "isolation"])
    def test_both_middlewares_in_either_order(self, outer: str) -> None:
        from starlette.testclient import TestClient

        app: Any = self.fastapi()
        order = [mantlet.CrossOriginIsolation, CrossOriginProtection]
        for middleware in order if outer == "protection" else reversed(order):
            app = middleware(app)
        client = TestClient(app)
        page, denied = client.get("/"), client.post("/", headers={"sec-fetch-site": "cross-site"})
        assert (page.status_code, denied.status_code) == (200, 403)
        assert page.headers["cross-origin-embedder-policy"] == "require-corp"
        assert ("cross-origin-embedder-policy" in denied.headers) == (outer == "isolation")

    def test_lifespan_and_websockets_pass(self) -> None:
        from starlette.applications import Starlette
        from starlette.routing import WebSocketRoute
        from starlette.testclient import TestClient

        async def echo(socket: Any) -> None:
            await socket.accept()
            await socket.send_text(await socket.receive_text())
            await socket.close()

        started: list[str] = []

        @asynccontextmanager
        async def lifespan(app: Any) -> Any:
            started.append("up")
            yield
            started.append("down")

        app = Starlette(routes=[WebSocketRoute("/", echo)], lifespan=lifespan)
        client = TestClient(mantlet.CrossOriginIsolation(CrossOriginProtection(app)))
        with client, client.websocket_connect("/", headers={"origin": "https://evil.example"}) as socket:
            socket.send_text("hi")
            assert socket.receive_text() == "hi"
        assert started == ["up", "down"]


def test_the_collector_may_run_while_an_instance_is_made() -> None:
    """CPython 3.11 makes the instance's dict, which may start the collector, before the instance is written."""
    program = """if True:
        import gc, warnings
        from mantlet import CrossOriginIsolation, CrossOriginProtection

        class Ours(CrossOriginProtection):
            pass

        warnings.simplefilter("ignore")
        gc.set_threshold(1, 1, 1)
        for _ in range(20):
            [made(print) for made in (CrossOriginIsolation, CrossOriginProtection, Ours)]
    """
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
