"""What `mantlet.secure` and its middlewares do beyond the names and values of `secure`."""

import asyncio
import gc
import inspect
import logging
import warnings

import mantlet
import pytest
from mantlet.headers import (
    BaseHeader,
    CacheControl,
    ContentSecurityPolicy,
    CrossOriginEmbedderPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    CustomHeader,
    IgnoredByBrowsers,
    PermissionsPolicy,
    ReferrerPolicy,
    Server,
    StrictTransportSecurity,
    XContentTypeOptions,
    XDnsPrefetchControl,
    XFrameOptions,
    XPermittedCrossDomainPolicies,
)
from mantlet.middleware import SecureASGIMiddleware, SecureWSGIMiddleware
from mantlet.secure import DEFAULT_ALLOWED_HEADERS, HeaderSetError, Preset, Secure

START = {"type": "http.response.start", "status": 200}


def asgi_app(headers=()):
    async def app(scope, receive, send):
        await send({**START, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b""})

    return app


def respond(app, scope=None):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    asyncio.run(app({"type": "http"} if scope is None else scope, receive, send))
    return sent


def headers_of(app):
    return dict(respond(app)[0]["headers"])


# --- warnings

IGNORED = [
    (lambda: ContentSecurityPolicy().script_src("self"), "'self'"),
    (lambda: ContentSecurityPolicy().script_src("'none'", "https://a.example"), "'none'"),
    (lambda: ContentSecurityPolicy().custom("scirpt-src", "'self'"), "scirpt-src"),
    (lambda: ContentSecurityPolicy().prefetch_src("'self'"), "prefetch-src"),
    (lambda: ContentSecurityPolicy().default_src("'self'").custom("Default-Src", "*"), "default-src"),
    (lambda: ContentSecurityPolicy().value("default-src self"), "'self'"),
    (lambda: CrossOriginOpenerPolicy().value("Same-Origin"), "same-origin"),
    (lambda: CrossOriginEmbedderPolicy().value("yes"), "yes"),
    (lambda: CrossOriginResourcePolicy().value("none"), "none"),
    (lambda: PermissionsPolicy().geolocation("example.com"), "example.com"),
    (lambda: PermissionsPolicy().geolocation("src"), "src"),
    (lambda: PermissionsPolicy().directive("camrea"), "camera"),
    (lambda: PermissionsPolicy().browsing_topics(), "browsing-topics"),
    (lambda: ReferrerPolicy().set("no-referer"), "no-referer"),
    (lambda: StrictTransportSecurity().value("max-age=31536000; preload"), "includeSubDomains"),
    (lambda: XFrameOptions().allow_from("https://a.example"), "frame-ancestors"),
    (lambda: XContentTypeOptions().value("sniff"), "nosniff"),
    (lambda: CustomHeader("X-Frame-Options", "ALLOWALL"), "SAMEORIGIN"),
]


@pytest.mark.parametrize(("build", "mentions"), IGNORED)
def test_what_a_browser_ignores_is_warned_of_where_it_is_written(build, mentions):
    with pytest.warns(IgnoredByBrowsers) as caught:
        build()
    assert any(mentions in str(warning.message) for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)


def test_a_warning_comes_once_for_a_builder():
    with pytest.warns(IgnoredByBrowsers) as caught:
        ContentSecurityPolicy().script_src("self").img_src("'self'").style_src("'self'")
    assert len(caught) == 1


@pytest.mark.filterwarnings("error")
def test_what_a_browser_reads_is_not_warned_of():
    for preset in (Preset.BASIC, Preset.BALANCED, Preset.STRICT):
        Secure.from_preset(preset)
    Secure(
        cache=CacheControl().no_cache().max_age(60).stale_while_revalidate(30),
        coep=CrossOriginEmbedderPolicy().credentialless(),
        coop=CrossOriginOpenerPolicy().same_origin_allow_popups(),
        csp=ContentSecurityPolicy()
        .default_src("'self'")
        .script_src("'self'", "cdn.typeerror.com")
        .style_src("'unsafe-inline'")
        .sandbox()
        .upgrade_insecure_requests(),
        hsts=StrictTransportSecurity().preload(),
        permissions=PermissionsPolicy().geolocation("'self'").camera("'none'").microphone("self", "https://a.example"),
        referrer=ReferrerPolicy().fallback("no-referrer", "strict-origin"),
        server=Server().set("app"),
        xdfc=XDnsPrefetchControl().on(),
        xfo=XFrameOptions().deny(),
        xpcdp=XPermittedCrossDomainPolicies().master_only(),
        custom=[CustomHeader("X-Team", "payments")],
    )


# --- refusals


@pytest.mark.parametrize(
    "build",
    [
        lambda: ContentSecurityPolicy().script_src("a,sandbox"),
        lambda: ContentSecurityPolicy().script_src("a;sandbox"),
        lambda: ContentSecurityPolicy().script_src("\xe9"),
        lambda: ContentSecurityPolicy().value("default-src \xe9"),
        lambda: PermissionsPolicy().geolocation("'https://a.example'"),
        lambda: PermissionsPolicy().geolocation('https://a.example")'),
        lambda: PermissionsPolicy().directive("GeoLocation"),
        lambda: PermissionsPolicy().value("geolocation=('self')"),
        lambda: CustomHeader("X-Team", "a\r\nSet-Cookie: b=c"),
        lambda: CustomHeader("X-Team\r\nSet-Cookie", "a"),
        lambda: Server("a\nb"),
        lambda: Secure().headers_list.append(("X-Team", "a\nb")),
    ],
)
def test_what_would_break_the_response_is_refused(build):
    with pytest.raises(ValueError):
        build()


def test_a_refused_call_leaves_the_builder_as_it_was():
    csp = ContentSecurityPolicy().img_src("'self'")
    with pytest.raises(ValueError):
        csp.img_src("https://a.example", "b,c")
    assert csp.header_value == "img-src 'self'"
    hsts = StrictTransportSecurity().max_age(60)
    with pytest.raises(ValueError):
        hsts.preload()
    assert hsts.header_value == "max-age=60"


# --- the middlewares


@pytest.mark.parametrize(
    "edit",
    [
        lambda secure: secure.headers_list[0].value("edited"),
        lambda secure: secure.headers_list.append(("X-Edited", "edited")),
        lambda secure: secure.headers_list.__setitem__(0, ("X-Edited", "edited")),
        lambda secure: secure.headers_list.__iadd__([("X-Edited", "edited")]),
        lambda secure: setattr(secure, "headers_list", [("X-Edited", "edited")]),
        lambda secure: setattr(secure.headers_list[0], "header_name", "edited"),
    ],
)
def test_a_later_edit_shows_in_the_next_response(edit):
    secure = Secure(custom=[CustomHeader("X-Team", "a")], csp=None)
    app = SecureASGIMiddleware(asgi_app(), secure=secure)
    wsgi = SecureWSGIMiddleware(lambda environ, start_response: start_response("200 OK", []), secure=secure)
    assert headers_of(app) == {b"x-team": b"a"}
    assert wsgi({}, lambda status, headers, exc_info: headers) == [("X-Team", "a")]
    edit(secure)
    expected = [(name.lower().encode(), value.encode()) for name, value in secure.header_items()]
    assert b"edited" in [part for pair in expected for part in pair]
    assert headers_of(app) == dict(expected)
    assert wsgi({}, lambda status, headers, exc_info: headers) == list(secure.header_items())


def test_every_way_to_change_the_list_shows():
    secure = Secure(custom=[CustomHeader("A", "1"), CustomHeader("B", "2")])
    app = SecureASGIMiddleware(asgi_app(), secure=secure)
    for change in ("pop", "reverse", "clear"):
        before = headers_of(app)
        assert before
        getattr(secure.headers_list, change)()
        secure.headers_list.extend([(change, "x")])
        assert headers_of(app) == {n.lower().encode(): v.encode() for n, v in secure.header_items()}
    secure.headers_list.insert(0, ("C", "3"))
    secure.headers_list.sort(key=lambda header: header.header_name, reverse=True)
    assert list(headers_of(app)) == [name.lower().encode() for name, _ in secure.header_items()]
    del secure.headers_list[:]
    assert headers_of(app) == {}


def test_the_validated_headers_are_sent_until_an_edit():
    secure = Secure(custom=[CustomHeader("X-Team", "a\x00b"), CustomHeader("X-None", "")])
    app = SecureASGIMiddleware(asgi_app(), secure=secure)
    assert headers_of(app) == {b"x-team": b"a\x00b", b"x-none": b""}
    secure.validate_and_normalize_headers()
    assert headers_of(app) == {b"x-team": b"a b"}
    secure.headers_list.append(("X-New", "1"))
    assert headers_of(app) == {b"x-team": b"a\x00b", b"x-none": b"", b"x-new": b"1"}


def test_a_builder_of_ones_own_is_asked_for_each_response():
    class Counting(BaseHeader):
        count = 0

        @property
        def header_value(self):
            Counting.count += 1
            return str(Counting.count)

    secure = Secure()
    secure.headers_list.append(Counting("X-Count"))
    app = SecureASGIMiddleware(asgi_app(), secure=secure)
    assert [headers_of(app)[b"x-count"] for _ in range(3)] == [b"1", b"2", b"3"]


def test_a_secure_of_ones_own_is_asked_for_each_response():
    class Ours(Secure):
        calls = 0

        @property
        def headers(self):
            Ours.calls += 1
            return {"X-Call": str(Ours.calls)}

    app = SecureASGIMiddleware(asgi_app(), secure=Ours())
    assert [headers_of(app)[b"x-call"] for _ in range(2)] == [b"1", b"2"]


def test_what_the_application_sends_stays_as_it_is():
    headers = [(b"x-frame-options", b"DENY"), (b"content-security-policy", b"sandbox")]
    message = {**START, "headers": headers}

    async def app(scope, receive, send):
        await send(message)

    wrapped = SecureASGIMiddleware(app)
    first, second = respond(wrapped), respond(wrapped)
    assert first == second
    assert message == {**START, "headers": [(b"x-frame-options", b"DENY"), (b"content-security-policy", b"sandbox")]}
    assert message["headers"] is headers


@pytest.mark.parametrize("scope", [{"type": "websocket"}, {"type": "lifespan"}, {"type": "other"}, {}])
def test_other_scopes_get_the_very_objects_of_the_server(scope):
    seen = []

    async def app(*arguments):
        seen.append(arguments)

    async def receive(): ...

    async def send(message): ...

    asyncio.run(SecureASGIMiddleware(app)(scope, receive, send))
    assert all(ours is theirs for ours, theirs in zip(seen[0], (scope, receive, send), strict=True))


def test_a_server_that_looks_at_call_sees_a_coroutine_function():
    app = SecureASGIMiddleware(asgi_app())
    assert inspect.iscoroutinefunction(app.__call__)
    assert {b"x-frame-options", b"content-security-policy"} <= set(headers_of(app.__call__))


def test_arguments_may_come_by_name():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(SecureASGIMiddleware(asgi_app())(scope={"type": "http"}, receive=None, send=send))
    assert len(sent) == 2


def test_subclasses_decide_about_their_arguments_and_calls():
    class Own(SecureASGIMiddleware):
        def __init__(self):
            super().__init__(asgi_app(), secure=Secure(xfo=XFrameOptions()))

    class Counting(SecureASGIMiddleware):
        calls = 0

        async def __call__(self, scope, receive, send):
            Counting.calls += 1
            await super().__call__(scope, receive, send)

    assert headers_of(Own()) == {b"x-frame-options": b"SAMEORIGIN"}
    assert b"x-frame-options" in headers_of(Counting(asgi_app()))
    assert Counting.calls == 1


def test_the_application_and_the_headers_may_be_replaced():
    app = SecureASGIMiddleware(asgi_app([(b"a", b"1")]), secure=Secure())
    app.app = asgi_app([(b"b", b"1")])
    app.secure = Secure(xfo=XFrameOptions())
    assert headers_of(app) == {b"b": b"1", b"x-frame-options": b"SAMEORIGIN"}


def test_errors_of_the_headers_are_raised_where_the_application_sends():
    caught = []

    async def app(scope, receive, send):
        try:
            await send({**START, "headers": []})
        except ValueError as error:
            caught.append(str(error))

    secure = Secure(custom=[CustomHeader("A", "1"), CustomHeader("a", "2")])
    respond(SecureASGIMiddleware(app, secure=secure))
    assert len(caught) == 1 and "a" in caught[0]


def test_two_policies_are_both_sent():
    secure = Secure(csp=ContentSecurityPolicy(), custom=[CustomHeader("Content-Security-Policy", "sandbox")])
    sent = respond(SecureASGIMiddleware(asgi_app(), secure=secure))[0]["headers"]
    assert [name for name, _ in sent] == [b"content-security-policy"] * 2


def test_wsgi_passes_the_error_information_and_the_write_callable_on():
    def app(environ, start_response):
        write = start_response("500 Internal Server Error", [("Server", "a")], ("type", "value", "traceback"))
        return [write]

    started = []

    def start_response(*arguments):
        started.append(arguments)
        return "write"

    wrapped = SecureWSGIMiddleware(app, secure=Secure(server=Server()))
    assert wrapped({}, start_response) == ["write"]
    assert started == [("500 Internal Server Error", [], ("type", "value", "traceback"))]


def test_an_application_that_keeps_send_is_collected():
    def live():
        return sum(
            type(each).__name__ in ("_Send", "_StartResponse", "SecureASGIMiddleware") for each in gc.get_objects()
        )

    gc.collect()
    before = live()

    def one():
        async def app(scope, receive, send):
            scope["send"] = send
            await send({**START, "headers": []})

        wrapped = SecureASGIMiddleware(app)
        scope = {"type": "http", "app": wrapped}
        wrapped.kept = scope
        respond(wrapped, scope)

        def wsgi_app(environ, start_response):
            environ["start_response"] = start_response
            return []

        environ = {}
        environ["app"] = SecureWSGIMiddleware(wsgi_app)
        environ["app"](environ, lambda *arguments: None)

    for _ in range(50):
        one()
    gc.collect()
    assert live() == before


# --- responses


class Responses:
    class Tornado:
        def __init__(self):
            self.kept = {"Server": "TornadoServer"}

        def set_header(self, name, value):
            self.kept[name] = value

        def clear_header(self, name):
            self.kept.pop(name, None)

    class Plain:
        def __init__(self):
            self.kept = self.headers = {"server": "plain"}


@pytest.mark.parametrize("kind", [Responses.Tornado, Responses.Plain])
def test_an_empty_server_takes_the_header_away(kind):
    response = kind()
    Secure(server=Server(), xfo=XFrameOptions()).set_headers(response)
    assert response.kept == {"X-Frame-Options": "SAMEORIGIN"}
    response = kind()
    asyncio.run(Secure(server=Server()).set_headers_async(response))
    assert response.kept == {}


def test_a_refusing_response_is_a_header_set_error():
    class Refusing:
        def set_header(self, name, value):
            raise ValueError("no")

    with pytest.raises(HeaderSetError) as caught:
        Secure(xfo=XFrameOptions()).set_headers(Refusing())
    assert isinstance(caught.value.__cause__, ValueError)


# --- the pipeline


def test_the_default_preset_passes_the_whole_pipeline_strictly():
    secure = Secure.with_default_headers()
    secure.allowlist_headers().deduplicate_headers().validate_and_normalize_headers(on_invalid="raise", strict=True)
    assert "Server" not in secure.headers
    assert len(secure.headers) == 8


def test_the_pipeline_tells_a_logger_what_it_left_out(caplog):
    logger = logging.getLogger("application")
    secure = Secure(custom=[CustomHeader("X-Other", "1"), CustomHeader("Vary", ""), CustomHeader("Vary", "a")])
    with caplog.at_level(logging.WARNING):
        secure.allowlist_headers(allow_extra=["Vary"], on_unexpected="drop", logger=logger)
        secure.deduplicate_headers(action="first", logger=logger)
        secure.validate_and_normalize_headers(on_invalid="warn")
    told = [(record.name, record.levelname, record.getMessage().split(":")[0]) for record in caplog.records]
    assert told == [
        ("application", "WARNING", "X-Other"),
        ("application", "WARNING", "Vary"),
        ("mantlet.secure", "WARNING", "Vary"),
    ]
    assert dict(secure.headers) == {}


def test_the_names_of_secure_are_names_of_mantlet():
    names = """
        COMMA_JOIN_OK DEFAULT_ALLOWED_HEADERS MULTI_OK CacheControl ContentSecurityPolicy CrossOriginEmbedderPolicy
        CrossOriginOpenerPolicy CrossOriginResourcePolicy CustomHeader PermissionsPolicy Preset ReferrerPolicy Secure
        Server StrictTransportSecurity XContentTypeOptions XDnsPrefetchControl XFrameOptions
        XPermittedCrossDomainPolicies
    """
    assert [name for name in names.split() if not hasattr(mantlet, name) or name not in mantlet.__all__] == []
    assert len(DEFAULT_ALLOWED_HEADERS) == 17
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(mantlet.Secure.from_preset(mantlet.Preset.BASIC)).endswith("X-XSS-Protection: 0")


@pytest.mark.parametrize("validated", [False, True])
def test_set_headers_and_headers_show_a_later_edit(validated):
    secure = Secure(custom=[CustomHeader("X-Team", "a")])
    if validated:
        secure.validate_and_normalize_headers()
    for value in ("a", "b", "c"):
        secure.headers_list[0].set(value)
        response = Responses.Plain()
        secure.set_headers(response)
        assert response.kept["X-Team"] == secure.headers["X-Team"] == value
        assert str(secure) == f"X-Team: {value}"


def test_set_headers_asks_builders_of_ones_own_again():
    class Counting(BaseHeader):
        count = 0

        @property
        def header_value(self):
            Counting.count += 1
            return str(Counting.count)

    secure = Secure()
    secure.headers_list.append(Counting("X-Count"))
    assert [secure.headers["X-Count"], str(secure), secure.headers["X-Count"]] == ["1", "X-Count: 2", "3"]
