"""`mantlet.secure` against the published package `secure`, over random programs and responses.

Needs `requirements-secure.txt`. Both packages run the same program. Where they differ, the difference has to be one of
`DIFFERENCES`, and each of those has to occur. Seeds are fixed.
"""

import asyncio
import importlib
import inspect
import pkgutil
import random
import re
import warnings
from collections import Counter

import mantlet.headers
import mantlet.middleware
import mantlet.secure
import pytest
import secure.headers
import secure.middleware
import secure.secure

upstream = secure
pytestmark = pytest.mark.filterwarnings("ignore::mantlet.headers.IgnoredByBrowsers")

DIFFERENCES = {
    "csp-comma": "a comma begins a second policy (CSP3 section 2.2): refused",
    "csp-non-ascii": "a browser ignores a directive with such a source: refused",
    "permissions-structured": "a browser drops a Permissions-Policy that is no structured field: refused",
    "permissions-semicolon": "a semicolon begins a parameter of a structured field: refused",
    "custom-line-break": "a line break in a value begins another header: refused",
    "beyond-latin-1": "no header can hold it: refused when it is given, not when it is sent",
    "custom-not-str": "a value that is no str fails at each response: refused when it is given",
    "asgi-lower-case": "ASGI and HTTP/2 want names in lower case",
    "merge": "upstream takes the wrong headers away when the application sets two of ours (Set-Cookie gets lost)",
    "merge-crash": "upstream raises IndexError when the application repeats one of ours: a 500",
    "empty-server": "Server without a value is not valid (RFC 9110 section 10.2.4): taken away, none is sent",
    "validate-empty-server": "so it is not invalid for validate_and_normalize_headers(on_invalid='raise')",
    "repeat-multi-ok": "a name in multi_ok may repeat in a Secure object too: two policies are both sent",
    "keyword-control": "a control character in a keyword is refused when it is made, not when it is used",
    "state-after-error": "a call that raises leaves the builder as it was",
    "multi-ok-case": "names in multi_ok of deduplicate_headers count in any case, as in the middlewares",
    "line-break-of-subclass": "a line break from a builder of one's own is refused when it is sent",
    "names-not-bytes": "a header whose name is no bytes is left to the server",
}

seen: Counter[str] = Counter()


def differs(name: str) -> None:
    assert name in DIFFERENCES
    seen[name] += 1


class Side:
    def __init__(self, top, headers, middleware, module):
        self.top, self.headers, self.middleware, self.module = top, headers, middleware, module


OURS = Side(mantlet.secure, mantlet.headers, mantlet.middleware, mantlet.secure)
THEIRS = Side(upstream, secure.headers, secure.middleware, secure.secure)


def outcome(action):
    """What an action returns, or the name of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "value", action()
        except Exception as error:
            return "raises", type(error).__name__


# --- names

MODULES = ["headers", "middleware", "middleware.asgi", "middleware.wsgi", "secure"]
MODULES += [f"headers.{module.name}" for module in pkgutil.iter_modules(secure.headers.__path__)]


@pytest.mark.parametrize("module", [module for module in MODULES if "._" not in module])
def test_every_public_name_is_where_it_was(module):
    theirs = importlib.import_module(f"secure.{module}")
    ours = importlib.import_module(f"mantlet.{module}")
    names = getattr(theirs, "__all__", None) or [
        name
        for name, value in vars(theirs).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == theirs.__name__
    ]
    assert [name for name in names if not hasattr(ours, name)] == []


@pytest.mark.parametrize("name", ["COMMA_JOIN_OK", "DEFAULT_ALLOWED_HEADERS", "MULTI_OK"])
def test_the_sets_of_names_are_the_same(name):
    assert getattr(mantlet.secure, name) == getattr(secure.secure, name)


@pytest.mark.parametrize("name", [*secure.headers.__all__, "Secure", "SecureASGIMiddleware", "SecureWSGIMiddleware"])
def test_every_method_takes_what_it_took(name):
    def find(side):
        return next(getattr(m, name) for m in (side.headers, side.middleware, side.module) if hasattr(m, name))

    ours, theirs = find(OURS), find(THEIRS)
    methods = [m for m in vars(theirs) if not m.startswith("_") and callable(getattr(theirs, m))]
    methods += ["__init__"] if name.startswith("Secure") or name == "CustomHeader" else []
    shape = lambda cls, m: [  # noqa: E731
        (p.name, p.kind, p.default) for p in inspect.signature(getattr(cls, m)).parameters.values()
    ]
    for method in methods:
        assert shape(ours, method) == shape(theirs, method), method


# --- builders

WORDS = [
    "self", "'self'", '"self"', "none", "'none'", '"none"', "*", "'*'", "()", "SELF", "'SELF'", "src", "", " ", " a ",
    "a", "b", "a b", "a\tb", "a;b", "a,b", "a\nb", "a\r\nb", "\na", "a\n", "\x00", "a\x7fb", "\xe9", "\u4e00", "https:",
    "https://a.example", '"https://a.example"', "'https://a.example'", "http://a.example/x?y", "wss://a", "*.a.example",
    'https://a")', '"a', "(a)", "/a", "\\", "data:", "'unsafe-inline'", "'nonce-YWJj'", "'strict-dynamic'",
    "example.com", "GeoLocation", "default-src", "Default-Src", "geo_x", "1a", "a*", "a=b", "x-y=1", "max-age=5",
    "no-store", "Public",
    "on", "ON", "off", "deny", "DENY", "sameorigin", "require-corp", "Same-Origin", "same-site", "CROSS-ORIGIN", "all",
    "no-referrer", "origin, same-origin", "origin,,Unsafe-Url , x", "max-age=1; preload", "geolocation=(self), usb=()",
    "camera=()", "default-src 'self'; img-src *", "nosniff", "nginx/1.2", "master-only",
]  # fmt: skip
ODD = [None, 5, True, 1.5, b"a"]
SECONDS = [0, 1, 60, 31_535_999, 31_536_000, 10**12, -1, True, "5", None]

BUILDERS = [name for name in secure.headers.__all__ if name not in ("BaseHeader", "CustomHeader")]
TAKES_SECONDS = {
    "max_age",
    "max_stale",
    "min_fresh",
    "s_maxage",
    "s_max_age",
    "stale_if_error",
    "stale_while_revalidate",
}


def methods_of(name: str) -> list[str]:
    builder = getattr(secure.headers, name)
    return sorted(m for m in dir(builder) if not m.startswith("_") and m not in ("header_name", "header_value"))


METHODS = {name: methods_of(name) for name in BUILDERS}
WITHOUT_ARGUMENT = {
    (name, method)
    for name in BUILDERS
    for method in METHODS[name]
    if getattr(secure.headers, name).__dict__[method].__class__.__name__ == "function"
    and getattr(secure.headers, name).__dict__[method].__code__.co_argcount == 1
    and not getattr(secure.headers, name).__dict__[method].__code__.co_flags & 0x04
}
VARIADIC = {
    (name, method)
    for name in BUILDERS
    for method in METHODS[name]
    if getattr(getattr(secure.headers, name).__dict__[method], "__code__", None) is not None
    and getattr(secure.headers, name).__dict__[method].__code__.co_flags & 0x04
}


def random_call(rng: random.Random, name: str):
    method = rng.choice(METHODS[name])
    if (name, method) in WITHOUT_ARGUMENT:
        return method, ()
    if method in TAKES_SECONDS:
        return method, (rng.choice(SECONDS),) if method != "max_stale" or rng.random() < 0.5 else ()
    if (name, method) in VARIADIC:
        count = rng.choice([0, 1, 1, 2, 3]) + (method in ("custom", "custom_directive", "directive", "add_directive"))
        return method, tuple(rng.choice(WORDS) for _ in range(count))
    word = rng.choice(ODD) if rng.random() < 0.03 else rng.choice(WORDS)
    return method, (word,)


TOKEN = r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
WORD_OF_LIST = rf'(?:{TOKEN}|"(?:[ !#-\[\]-~]|\\["\\])*")'
KEY = r"[a-z*][a-z0-9_.*-]*"
MEMBER = rf"{KEY}(?:=(?:{WORD_OF_LIST}|\((?:{WORD_OF_LIST}(?: {WORD_OF_LIST})*)?\)))?"
DICTIONARY = re.compile(rf"{MEMBER}(?:\s*,\s*{MEMBER})*")


def explain_builder(name, method, arguments, theirs, ours):
    """The name of the difference between two outcomes, or None."""
    texts = [text for text in arguments if isinstance(text, str)]
    if ours != ("raises", "ValueError") or theirs[0] == "raises":
        return None
    if method == "keyword" and any(c < " " or c == "\x7f" for text in texts for c in text):
        return "keyword-control"
    if name == "ContentSecurityPolicy" and any("," in text for text in texts):
        return "csp-comma"
    if any(not c <= "\xff" for text in texts for c in text):
        return "beyond-latin-1"
    if name == "ContentSecurityPolicy" and any(not text.isascii() for text in texts):
        return "csp-non-ascii"
    if name == "PermissionsPolicy":
        if any(";" in text for text in texts):
            return "permissions-semicolon"
        if not DICTIONARY.fullmatch(theirs[1][1]):
            return "permissions-structured"
    return None


def run_builder(name: str, calls) -> None:
    ours, theirs = getattr(OURS.headers, name)(), getattr(THEIRS.headers, name)()
    state = lambda builder: (builder.header_name, builder.header_value)  # noqa: E731
    for method, arguments in calls:
        before = outcome(lambda: state(ours))
        static = method in ("keyword", "nonce")
        expected = outcome(lambda: getattr(theirs, method)(*arguments))  # noqa: B023
        got = outcome(lambda: getattr(ours, method)(*arguments))  # noqa: B023
        if not static:
            expected = (expected[0], expected[1] if expected[0] == "raises" else outcome(lambda: state(theirs))[1])
            got = (got[0], got[1] if got[0] == "raises" else outcome(lambda: state(ours))[1])
        if got != expected:
            difference = explain_builder(name, method, arguments, expected, got)
            assert difference is not None, f"{name}.{method}{arguments}: upstream {expected}, ours {got}"
            differs(difference)
            return  # the states are no longer the same
        if got[0] == "raises" and outcome(lambda: state(ours)) != outcome(lambda: state(theirs)):
            assert outcome(lambda: state(ours)) == before, (name, calls)
            differs("state-after-error")
            return
    assert outcome(lambda: state(ours)) == outcome(lambda: state(theirs)), (name, calls)


@pytest.mark.parametrize("name", BUILDERS)
def test_random_programs_of_a_builder_come_out_the_same(name):
    rng = random.Random(f"builder {name}")
    for _ in range(600):
        run_builder(name, [random_call(rng, name) for _ in range(rng.randint(0, 6))])


@pytest.mark.parametrize("name", BUILDERS)
def test_every_method_with_every_word_comes_out_the_same(name):
    for method in METHODS[name]:
        if (name, method) in WITHOUT_ARGUMENT:
            run_builder(name, [(method, ())])
            continue
        for word in SECONDS if method in TAKES_SECONDS else WORDS:
            run_builder(name, [(method, (word,))])
            if (name, method) in VARIADIC:
                run_builder(name, [(method, (word, "self"))])
                run_builder(name, [(method, ("usb", word))])


# --- custom headers and Secure objects

NAMES = ["X-Team", "x-team", "Server", "server", "Cache-Control", "cache-control", "Content-Security-Policy", "A b", ""]
NAMES += ["content-security-policy", "X-Frame-Options", "Vary", "set-cookie", "Permissions-Policy", " X-Pad ", "X\n"]
VALUES = [
    "1",
    "2",
    "",
    " ",
    " x",
    "x ",
    "a\tb",
    "a\x00b",
    "\x7f",
    "\xe9",
    "a\xe9b",
    "\xa0",
    "\u4e00",
    "a\nb",
    "a\r\nb",
    5,
]
VALUES += ["DENY", "no-store", "default-src 'self'", "x, y", None]


def random_secure(rng: random.Random):
    """Constructor arguments as data: builders by name with a call each, and pairs."""
    kwargs = {}
    kinds = {
        "cache": "CacheControl",
        "coep": "CrossOriginEmbedderPolicy",
        "coop": "CrossOriginOpenerPolicy",
        "corp": "CrossOriginResourcePolicy",
        "csp": "ContentSecurityPolicy",
        "hsts": "StrictTransportSecurity",
        "permissions": "PermissionsPolicy",
        "referrer": "ReferrerPolicy",
        "xpcdp": "XPermittedCrossDomainPolicies",
        "xdfc": "XDnsPrefetchControl",
        "server": "Server",
        "xcto": "XContentTypeOptions",
        "xfo": "XFrameOptions",
    }
    for key in rng.sample(sorted(kinds), rng.randint(0, 6)):
        kwargs[key] = kinds[key]
    usual = [value for value in VALUES if explain_custom("X", value) is None]
    custom = [(rng.choice(NAMES), rng.choice(usual)) for _ in range(rng.randint(0, 4))]
    return kwargs, [pair for pair in custom if "\n" not in pair[0]]


def make_secure(side: Side, kwargs, custom):
    builders = {key: getattr(side.headers, name)() for key, name in kwargs.items()}
    return side.top.Secure(**builders, custom=[side.headers.CustomHeader(*pair) for pair in custom])


def random_step(rng: random.Random):
    pick = rng.choice
    return pick(
        [
            ("append", (pick(["X-New", "Vary", "Server"]), pick(["1", "", "z"])), {}),
            ("pop", (), {}),
            ("reverse", (), {}),
            (
                "allowlist_headers",
                (),
                dict(
                    on_unexpected=pick(["raise", "drop", "warn"]),
                    allow_x_prefixed=pick([True, False]),
                    allow_extra=pick([None, ["vary", "X-NEW"], ["X-Team"]]),
                ),
            ),
            (
                "deduplicate_headers",
                (),
                dict(
                    action=pick(["raise", "first", "last", "concat"]),
                    comma_join_ok=pick([frozenset(), frozenset({"cache-control", "vary"})]),
                    multi_ok=pick([frozenset(), frozenset({"content-security-policy", "server"})]),
                ),
            ),
            (
                "validate_and_normalize_headers",
                (),
                dict(
                    on_invalid=pick(["drop", "warn", "raise"]),
                    strict=pick([True, False]),
                    allow_obs_text=pick([True, False]),
                ),
            ),
            ("with_default_headers", (), {}),
        ]
    )


def apply_step(subject, step):
    method, arguments, kwargs = step
    if method in ("append", "pop", "reverse"):
        getattr(subject.headers_list, method)(*arguments)
        return None
    result = getattr(subject, method)(**kwargs)
    assert result is subject or method == "with_default_headers"
    return None


def report(subject):
    return (
        outcome(lambda: str(subject)),
        outcome(lambda: list(subject.header_items())),
        outcome(lambda: list(subject.headers.items())),
        [header.header_name for header in subject.headers_list],
    )


class Response:
    def __init__(self):
        self.headers = {}


class SetResponse:
    def __init__(self):
        self.calls = []

    def set_header(self, name, value):
        self.calls.append((name, value))


class AsyncResponse(SetResponse):
    async def set_header(self, name, value):
        self.calls.append((name, value))


def no_empty_server(pairs):
    kept = [(name, value) for name, value in pairs if not (name.lower() == "server" and not value.strip())]
    if kept != list(pairs):
        differs("empty-server")
    return kept


def compare_setting(ours, theirs):
    if [name.lower() for name, _ in theirs.header_items()].count("server") > 1:
        return  # the last of them counts, and an empty one takes the others away
    for kind in (Response, SetResponse, AsyncResponse):
        for way in ("set_headers", "set_headers_async"):

            def run(subject, kind=kind, way=way):
                response = kind()
                done = getattr(subject, way)(response)
                if way == "set_headers_async":
                    asyncio.run(done)
                return response.headers if kind is Response else response.calls

            expected, got = outcome(lambda: run(theirs)), outcome(lambda: run(ours))
            if expected[0] == "value":
                pairs = expected[1].items() if kind is Response else expected[1]
                expected = ("value", type(expected[1])(no_empty_server(list(pairs))))
            assert got == expected, (kind, way)


def explain_custom(name, value):
    if not isinstance(value, str):
        return "custom-not-str"
    if "\n" in value or "\r" in value:
        return "custom-line-break"
    return "beyond-latin-1" if any(c > "\xff" for c in value) else None


def test_custom_headers_come_out_the_same():
    for name in NAMES:
        for value in VALUES:
            made = [outcome(lambda: side.headers.CustomHeader(name, value)) for side in (OURS, THEIRS)]  # noqa: B023
            parts = [m if m[0] == "raises" else (m[1].header_name, m[1].header_value) for m in made]
            if parts[0] != parts[1]:
                difference = explain_custom(name, value)
                assert difference is not None and parts[0][0] == "raises", (name, value, parts)
                differs(difference)
                continue
            for changed in VALUES:
                run = lambda m, changed=changed: m[1].set(changed).header_value  # noqa: E731
                if made[0][0] == "value" and isinstance(changed, str):
                    ours, theirs = outcome(lambda: run(made[0])), outcome(lambda: run(made[1]))  # noqa: B023
                    if ours != theirs:
                        assert explain_custom(name, changed) == "beyond-latin-1" and ours == ("raises", "ValueError")


def test_random_programs_of_secure_come_out_the_same():
    rng = random.Random("secure")
    for _ in range(1500):
        kwargs, custom = random_secure(rng)
        ours, theirs = make_secure(OURS, kwargs, custom), make_secure(THEIRS, kwargs, custom)
        steps = [random_step(rng) for _ in range(rng.randint(0, 4))]
        for step in steps:
            expected, got = outcome(lambda: apply_step(theirs, step)), outcome(lambda: apply_step(ours, step))  # noqa: B023
            if got != expected:
                empty = any(n.lower() == "server" and not v.strip() for n, v in theirs.header_items())
                raising = step[2].get("on_invalid") == "raise"
                assert empty and raising and expected == ("raises", "ValueError"), (
                    kwargs,
                    custom,
                    steps,
                    expected,
                    got,
                )
                differs("validate-empty-server")
                break
            assert report(ours) == report(theirs), (kwargs, custom, steps)
        else:
            compare_setting(ours, theirs)


@pytest.mark.parametrize("preset", ["BASIC", "BALANCED", "STRICT"])
def test_presets_come_out_the_same(preset):
    ours = OURS.top.Secure.from_preset(OURS.top.Preset[preset])
    theirs = THEIRS.top.Secure.from_preset(THEIRS.top.Preset[preset])
    assert report(ours) == report(theirs)
    compare_setting(ours, theirs)


# --- middlewares

APP_NAMES = [
    b"Server",
    b"server",
    b"X-FRAME-OPTIONS",
    b"x-frame-options",
    b"set-cookie",
    b"Set-Cookie",
    b"vary",
    b"date",
]
APP_NAMES += [b"content-security-policy", b" x-team ", b"referrer-policy", b"content-type", b"permissions-policy"]


def run_asgi(side: Side, subject, headers, multi_ok):
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x"})

    async def send(message):
        sent.append(message)

    asyncio.run(
        side.middleware.SecureASGIMiddleware(app, secure=subject, multi_ok=multi_ok)({"type": "http"}, None, send)
    )
    assert sent[1] == {"type": "http.response.body", "body": b"x"}
    return sent[0]["headers"]


def run_wsgi(side: Side, subject, headers, multi_ok):
    started = []

    def app(environ, start_response):
        start_response("200 OK", headers)
        return [b"x"]

    wrapped = side.middleware.SecureWSGIMiddleware(app, secure=subject, multi_ok=multi_ok)
    assert wrapped({}, lambda *arguments: started.append(arguments)) == [b"x"]
    assert started[0][0] == "200 OK" and started[0][2] is None
    return started[0][1]


def model(app_headers, ours, multi_ok):
    """What has to come out: the application's headers without those replaced, then ours."""
    replaced = {name.lower() for name, _ in ours if name.lower() not in multi_ok}
    return [(n, v) for n, v in app_headers if n.strip().lower() not in replaced] + list(ours)


def text(pairs):
    return [(n.decode("latin-1"), v.decode("latin-1")) if isinstance(n, bytes) else (n, v) for n, v in pairs]


@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
def test_random_responses_come_out_the_same(protocol):
    rng = random.Random(f"responses {protocol}")
    run = run_asgi if protocol == "asgi" else run_wsgi
    for _ in range(1500):
        kwargs, custom = random_secure(rng)
        ours, theirs = make_secure(OURS, kwargs, custom), make_secure(THEIRS, kwargs, custom)
        if rng.random() < 0.3:
            for subject in (ours, theirs):
                outcome(subject.deduplicate_headers)
                outcome(subject.validate_and_normalize_headers)
        multi_ok = rng.choice([None, [], ["X-Team", "set-cookie"], ["Content-Security-Policy", "server"]])
        names = {"content-security-policy"} if multi_ok is None else {name.lower() for name in multi_ok}
        app = [(rng.choice(APP_NAMES), b"app%d" % i) for i in range(rng.randint(0, 6))]
        app = app if protocol == "asgi" else text(app)
        before = list(app)
        got = outcome(lambda: run(OURS, ours, app, multi_ok))  # noqa: B023
        expected = outcome(lambda: run(THEIRS, theirs, list(app), multi_ok))  # noqa: B023
        assert app == before
        place = (kwargs, custom, multi_ok, app)
        ours_by_name = Counter(name.lower() for name, _ in theirs.header_items())
        repeated = {name for name, count in ours_by_name.items() if count > 1}
        if expected == ("raises", "ValueError") and got[0] == "value":
            assert repeated and repeated <= names, place
            differs("repeat-multi-ok")
            continue
        if got[0] == "raises":
            assert got == expected, place
            continue
        mapping = list(theirs.headers.items())
        managed = {name.lower() for name, _ in mapping if name.lower() not in names}
        correct = model(text(app), mapping, names)
        if protocol == "asgi" and any(name != name.lower() for name, _ in mapping):
            differs("asgi-lower-case")
            kept = len(correct) - len(mapping)
            correct = correct[:kept] + [(name.lower(), value) for name, value in correct[kept:]]
            if expected[0] == "value":
                sent = text(expected[1])
                kept = len(sent) - len(mapping)
                expected = ("value", sent[:kept] + [(name.lower(), value) for name, value in sent[kept:]])
        assert text(got[1]) == no_empty_server(correct), place
        if sum(name.strip().lower() in managed for name, _ in text(app)) < 2:
            assert expected[0] == "value" and text(expected[1]) == correct, place
        elif expected[0] == "raises":
            assert expected[1] == "IndexError", place
            differs("merge-crash")
        elif text(expected[1]) != correct:
            differs("merge")


def test_set_cookie_is_lost_upstream_and_kept_here():
    app = [(b"server", b"a"), (b"date", b"b"), (b"content-type", b"c"), (b"x-frame-options", b"DENY")]
    app += [(b"set-cookie", b"id=1"), (b"vary", b"d")]
    theirs = text(run_asgi(THEIRS, THEIRS.top.Secure.with_default_headers(), list(app), None))
    ours = text(run_asgi(OURS, OURS.top.Secure.with_default_headers(), app, None))
    assert ("set-cookie", "id=1") not in theirs
    assert ("set-cookie", "id=1") in ours
    assert [value for name, value in theirs if name.lower() == "x-frame-options"] == ["DENY", "SAMEORIGIN"]
    assert [value for name, value in ours if name.lower() == "x-frame-options"] == ["SAMEORIGIN"]
    differs("merge")


@pytest.mark.parametrize(
    "headers", [[], (), [[b"a", b"b"]], ((b"X-Frame-Options", b"DENY"),), None, 5, [5], [(b"a",)], [(b"a",) * 3]]
)
def test_odd_header_lists_end_alike(headers):
    runs = [outcome(lambda: run_asgi(side, side.top.Secure(), headers, None)) for side in (OURS, THEIRS)]  # noqa: B023
    assert runs[0] == runs[1]


@pytest.mark.parametrize("run", [run_asgi, run_wsgi])
def test_repeated_headers_crash_upstream_and_not_here(run):
    app = [(b"server", b"a"), (b"server", b"b"), (b"x-frame-options", b"c")]
    app = app if run is run_asgi else text(app)
    kwargs = {"server": "Server", "xfo": "XFrameOptions"}
    theirs, ours = make_secure(THEIRS, kwargs, []), make_secure(OURS, kwargs, [])
    for subject in (theirs, ours):
        subject.headers_list[0].set("x")
    assert outcome(lambda: run(THEIRS, theirs, list(app), None)) == ("raises", "IndexError")
    sent = [(name.lower(), value) for name, value in text(run(OURS, ours, app, None))]
    assert sent == [("server", "x"), ("x-frame-options", "SAMEORIGIN")]
    differs("merge-crash")


def test_names_that_are_no_bytes_are_left_alone():
    headers = [(None, b"x")]
    assert outcome(lambda: run_asgi(THEIRS, THEIRS.top.Secure(), headers, None)) == ("raises", "AttributeError")
    assert run_asgi(OURS, OURS.top.Secure(), headers, None) == headers
    differs("names-not-bytes")


def test_multi_ok_counts_in_any_case():
    pairs, multi_ok = [("A", "1"), ("a", "2")], frozenset({"A"})
    theirs, ours = make_secure(THEIRS, {}, pairs), make_secure(OURS, {}, pairs)
    assert outcome(lambda: theirs.deduplicate_headers(multi_ok=multi_ok)) == ("raises", "ValueError")
    assert ours.deduplicate_headers(multi_ok=multi_ok).header_items() == tuple(pairs)
    differs("multi-ok-case")


def test_a_line_break_of_a_subclass_is_refused_when_it_is_sent():
    def subject(side):
        class Broken(side.headers.BaseHeader):
            @property
            def header_value(self):
                return "a\r\nSet-Cookie: b=c"

        made = side.top.Secure()
        made.headers_list.append(Broken("X-Broken"))
        return made

    assert run_asgi(THEIRS, subject(THEIRS), [], None) == [(b"X-Broken", b"a\r\nSet-Cookie: b=c")]
    assert outcome(lambda: run_asgi(OURS, subject(OURS), [], None)) == ("raises", "ValueError")
    assert outcome(lambda: run_wsgi(OURS, subject(OURS), [], None)) == ("raises", "ValueError")
    differs("line-break-of-subclass")


def test_every_listed_difference_occurs():
    """Runs after the others of this file."""
    missing = sorted(set(DIFFERENCES) - set(seen))
    assert not missing
