"""CrossOriginIsolation: three response fields, each where the application has none."""

from __future__ import annotations

import gc
import inspect
import random
import warnings
import weakref
from collections import Counter, UserDict
from typing import Any

import mantlet
import pytest
from cross_origin_support import Message, Scope, finish, hello, http_scope, sent_by
from mantlet.isolation import CrossOriginIsolation

DEFAULTS = [
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-site"),
]


def answering(*messages: Any) -> Any:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def start(**more: Any) -> Message:
    return {"type": "http.response.start", "status": 200, **more}


def added_to(message: Message, **policies: Any) -> list[tuple[bytes, bytes]]:
    (sent,) = sent_by(CrossOriginIsolation(answering(message), **policies), http_scope("GET"))
    headers = sent["headers"]
    assert isinstance(headers, list)
    return headers


def test_the_package_exports_it() -> None:
    assert mantlet.CrossOriginIsolation is CrossOriginIsolation


def test_its_parameters_are_those_of_the_published_package() -> None:
    theirs = pytest.importorskip("asgi_cross_origin_protection.isolation")
    ours = inspect.signature(CrossOriginIsolation).parameters.values()
    expected = inspect.signature(theirs.CrossOriginIsolation).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in expected]


def test_the_three_fields_follow_those_of_the_application() -> None:
    own = (b"content-type", b"text/html")
    assert added_to(start(headers=[own])) == [own, *DEFAULTS]


@pytest.mark.parametrize("name", [b"cross-origin-embedder-policy", b"Cross-Origin-Embedder-Policy"])
def test_a_field_of_the_application_stays_alone(name: bytes) -> None:
    own = (name, b"unsafe-none")
    assert added_to(start(headers=[own])) == [own, DEFAULTS[0], DEFAULTS[2]]


def test_none_leaves_a_field_alone() -> None:
    assert added_to(start(headers=[]), embedder_policy=None) == [DEFAULTS[0], DEFAULTS[2]]


def test_without_any_policy_the_application_gets_the_send_of_the_server() -> None:
    seen: list[Any] = []
    awaitable = object()

    def app(scope: Scope, receive: Any, send: Any) -> Any:
        seen.append(send)
        return awaitable

    send = object()
    bare = CrossOriginIsolation(app, opener_policy=None, embedder_policy=None, resource_policy=None)
    assert bare(http_scope("GET"), None, send) is awaitable
    assert CrossOriginIsolation(app)({"type": "websocket"}, None, send) is awaitable
    assert CrossOriginIsolation(app)({"type": "lifespan"}, None, send) is awaitable
    assert all(given is send for given in seen) and len(seen) == 3
    assert CrossOriginIsolation(app)(http_scope("GET"), None, send) is awaitable
    assert seen[3] is not send


@pytest.mark.parametrize("headers", [[], (), None, iter([]), "missing"])
def test_headers_may_be_missing_or_any_iterable(headers: Any) -> None:
    message = start() if headers == "missing" else start(headers=headers)
    assert added_to(message) == DEFAULTS


def test_a_generator_of_pairs_is_read_once() -> None:
    pairs = [(b"x-a", b"1"), [b"cross-origin-opener-policy", b"unsafe-none"]]
    assert added_to(start(headers=(pair for pair in pairs))) == [*pairs, *DEFAULTS[1:]]


def test_neither_the_message_nor_the_list_of_the_application_is_changed() -> None:
    headers = [(b"x-a", b"1")]
    message = start(headers=headers)
    app = CrossOriginIsolation(answering(message))
    for _ in range(3):
        (sent,) = sent_by(app, http_scope("GET"))
        assert sent["headers"] == [(b"x-a", b"1"), *DEFAULTS]
    assert message == start(headers=[(b"x-a", b"1")]) and message["headers"] is headers


def test_other_messages_and_other_keys_are_passed_on() -> None:
    body = {"type": "http.response.body", "body": b"x", "more_body": False}
    first, second = sent_by(CrossOriginIsolation(answering(start(trailers=True), body)), http_scope("GET"))
    assert first == start(trailers=True, headers=DEFAULTS)
    assert second is body


def test_a_message_may_be_any_mapping() -> None:
    (sent,) = sent_by(CrossOriginIsolation(answering(UserDict(start(headers=[])))), http_scope("GET"))
    assert sent == start(headers=DEFAULTS)


@pytest.mark.parametrize("message", [{}, {"status": 200}])
def test_a_message_without_a_type_is_a_key_error_where_it_is_sent(message: Message) -> None:
    with pytest.raises(KeyError, match="type"):
        sent_by(CrossOriginIsolation(answering(message)), http_scope("GET"))


def test_what_send_raises_arrives_in_the_application() -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        with pytest.raises(ConnectionError):
            await send(start(headers=[]))
        caught.append(True)

    async def send(message: Message) -> None:
        raise ConnectionError

    caught: list[bool] = []
    finish(CrossOriginIsolation(app)(http_scope("GET"), None, send))
    assert caught == [True]


@pytest.mark.parametrize(
    "value", ["same-origin\r\nset-cookie: a=b", "a\nb", "a\x00b", "same-\u00f6rigin", "\u2603", "\x7f", "a\n"]
)
@pytest.mark.parametrize("name", ["opener_policy", "embedder_policy", "resource_policy"])
def test_a_policy_that_is_no_field_value_is_a_value_error(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name.split("_")[0]):
        CrossOriginIsolation(hello, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("opener_policy", value) for value in ("Same-Origin", '"same-origin"', "same origin", "")),
        *(("embedder_policy", value) for value in ("require_corp", "same-origin")),
        *(("resource_policy", value) for value in ("same-orgin", "require-corp", "SAME-SITE")),
    ],
)
def test_a_policy_that_a_browser_ignores_is_sent_and_told(name: str, value: str) -> None:
    with pytest.warns(UserWarning, match=name.split("_")[0]):
        app = CrossOriginIsolation(hello, **{name: value})
    field = f"cross-origin-{name.replace('_', '-')}".encode()
    assert (field, value.encode()) in app.headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("opener_policy", v) for v in ("same-origin-allow-popups", "noopener-allow-popups", "unsafe-none")),
        ("opener_policy", 'same-origin;report-to="coop"'),
        *(("embedder_policy", value) for value in ("credentialless", "unsafe-none", 'require-corp; report-to="coep"')),
        *(("resource_policy", value) for value in ("same-origin", "same-site", "cross-origin")),
    ],
)
def test_a_policy_that_browsers_know_is_sent_as_it_is(name: str, value: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app = CrossOriginIsolation(hello, **{name: value})
    field = f"cross-origin-{name.replace('_', '-')}".encode()
    assert (field, value.encode()) in app.headers


def test_servers_see_a_coroutine_function() -> None:
    app = CrossOriginIsolation(hello)
    assert inspect.iscoroutinefunction(app.__call__)
    first, _ = sent_by(app.__call__, http_scope("GET"))
    assert first["headers"][1:] == DEFAULTS


def test_a_subclass_may_have_parameters_of_its_own() -> None:
    class Lenient(CrossOriginIsolation):
        def __init__(self, app: Any, *, cdn: bool) -> None:
            super().__init__(app, embedder_policy=None if cdn else "require-corp")

    assert Lenient(hello, cdn=True).headers == (DEFAULTS[0], DEFAULTS[2])
    assert Lenient(hello, cdn=False).headers == tuple(DEFAULTS)


def test_a_send_that_the_application_keeps_is_collected() -> None:
    class Send:
        scope: Any = None

        async def __call__(self, message: Message) -> None:
            pass

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        scope["send"] = send

    middleware = CrossOriginIsolation(app)
    kept = []
    for _ in range(100):
        send = Send()
        send.scope = http_scope("GET")
        finish(middleware(send.scope, None, send))
        kept.append(weakref.ref(send))
    del send
    gc.collect()
    assert [reference for reference in kept if reference() is not None] == []


def test_an_application_that_knows_its_middleware_is_collected_with_it() -> None:
    class Inner:
        middleware: Any = None

        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            pass

    inner = Inner()
    inner.middleware = CrossOriginIsolation(inner)
    collected = weakref.ref(inner), weakref.ref(inner.middleware)
    del inner
    gc.collect()
    assert [reference() for reference in collected] == [None, None]


def test_random_responses_leave_as_with_the_published_package() -> None:
    theirs = pytest.importorskip("asgi_cross_origin_protection.isolation")
    dice = random.Random(3)
    names = [name for name, _ in DEFAULTS] + [
        b"content-type",
        b"set-cookie",
        b"cross-origin-opener-policy-report-only",
        b"",
    ]
    sizes: Counter[int] = Counter()
    for _ in range(3000):
        values = ["same-origin", "unsafe-none", None]
        policies = {
            "opener_policy": dice.choice(values),
            "embedder_policy": dice.choice(["require-corp", "credentialless", None]),
            "resource_policy": dice.choice(["same-origin", "cross-origin", None]),
        }
        headers: Any = [
            (dice.choice([name, name.title(), name.upper()]), dice.choice([b"", b"same-origin", b"x"]))
            for name in dice.choices(names, k=dice.randrange(6))
        ]
        message = start(headers=dice.choice([list, tuple])(headers))
        if dice.random() < 0.1:
            message = start(**dice.choice([{}, {"headers": None}]))
        app = answering(message, {"type": "http.response.body", "body": b"x"})
        scope = http_scope(dice.choice(["GET", "POST"]))
        ours = sent_by(CrossOriginIsolation(app, **policies), dict(scope))
        expected = sent_by(theirs.CrossOriginIsolation(app, **policies), dict(scope))
        if None in policies.values() and set(policies.values()) == {None}:
            assert ours == expected == sent_by(app, scope)
        assert ours == expected
        sizes[len(ours[0].get("headers") or [])] += 1
    assert len(sizes) > 5
