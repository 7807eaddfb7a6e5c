"""Requests and what CrossOriginProtection makes of them: the table that Go's net/http, tower-http and
asgi-cross-origin-protection were measured with.

Where those three agree, so do we, but for a repeated field, an Origin that is no serialised origin, and an exemption by
a path that is not in normal form: these are denied. Where they differ, the stricter one counts; hosts are compared in
any case.
"""

from __future__ import annotations

from typing import Any

import pytest
from cross_origin_support import Scope, finish, hello, http_scope, status_of
from mantlet.cross_origin import (
    CrossOriginProtection,
    InvalidExemptPathError,
    InvalidTrustedOriginError,
    UnsafeDefaultWarning,
)

pytestmark = pytest.mark.filterwarnings(f"ignore::{UnsafeDefaultWarning.__module__}.{UnsafeDefaultWarning.__name__}")

A, D = 200, 403
EVIL = "https://evil.example"
OWN = "https://example.com"
PARTNER = "https://partner.example"
TRUSTED = {"allowed_origins": [PARTNER]}
HOOK = {"exempt_paths": ["/hook/"]}
STRICT = {"allow_unverifiable_requests": False}


def post(
    site: str | None = None,
    origin: str | None = None,
    *,
    method: str = "POST",
    host: str | None = "example.com",
    **more: Any,
) -> dict[str, Any]:
    """A row: the request, and its configuration if it has one."""
    return {"site": site, "origin": origin, "method": method, "host": host, **more}


def scope_of(row: dict[str, Any]) -> Scope:
    lines = [("host", row["host"]), ("sec-fetch-site", row["site"]), ("origin", row["origin"]), *row.get("lines", [])]
    headers = [(name.encode(), value.encode("utf-8")) for name, value in lines if value is not None]
    return http_scope(row["method"], row.get("path", "/").encode(), headers)


ROWS: list[tuple[str, int, list[dict[str, Any]]]] = [
    ("1-3", A, [post("cross-site", EVIL, method=method) for method in ("GET", "HEAD", "OPTIONS")]),
    ("4-6", D, [post("cross-site", method=method) for method in ("TRACE", "QUERY", "PROPFIND")]),
    ("7", D, [post("cross-site", method="get")]),
    ("8-11", D, [post("cross-site", method=method) for method in ("PUT", "PATCH", "DELETE", "post")]),
    ("12-13", A, [post("same-origin", EVIL), post("none", EVIL)]),
    ("14-15", D, [post(site, origin) for site in ("same-site", "cross-site") for origin in (EVIL, OWN)]),
    ("16", D, [post("Same-Origin"), post("NONE")]),
    ("17-20", D, [post(s, OWN) for s in ("garbage", '"same-origin"', "same-origin;a=1", "same-origin, cross-site")]),
    ("21", A, [post("  same-origin  ")]),
    ("22", A, [post("")]),
    ("23", D, [post("", EVIL)]),
    ("24", D, [post("same-origin", lines=[("sec-fetch-site", "cross-site")])]),
    ("25", D, [post("cross-site", lines=[("sec-fetch-site", "same-origin")])]),
    ("26-27", A, [post(None, OWN), post(None, "http://example.com")]),
    ("28-30", D, [post(None, o) for o in (EVIL, "https://sub.example.com", "https://example.com.evil.example")]),
    ("31", D, [post(None, "null"), post("cross-site", "null", config=TRUSTED)]),
    ("32", A, [post(None, ""), post()]),
    ("33", D, [post(None, "https://evil@example.com"), post(None, "https://u:p@example.com")]),
    ("34", D, [post(None, "https://example.com/"), post(None, "https://example.com/a?b#c")]),
    ("35-36", A, [post(None, "https://EXAMPLE.com"), post(None, OWN, host="Example.COM")]),
    ("37", A, [post(None, "https://example.com:8443", host="example.com:8443")]),
    (
        "38",
        D,
        [post(None, "https://example.com:8444", host="example.com:8443"), post(None, "https://example.com:8443")],
    ),
    ("39", D, [post(None, "https://example.com:443"), post(None, OWN, host="example.com:443")]),
    (
        "40",
        D,
        [
            post(None, "https://example.com:08443", host="example.com:8443"),
            post(None, "https://example.com:"),
            post(None, OWN, host="example.com:bogus"),
        ],
    ),
    ("41", D, [post(None, "https://example.com:99999", host="example.com:99999")]),
    ("42", A, [post(None, "http://[::1]:8080", host="[::1]:8080")]),
    ("43", D, [post(None, "http://[::1]", host="[0:0:0:0:0:0:0:1]"), post(None, "http://[::1", host="[::1")]),
    ("44-45", D, [post(None, "ftp://example.com"), post(None, "//example.com")]),
    (
        "46",
        D,
        [
            post(None, origin)
            for origin in ("example.com", "chrome-extension://x", f"{OWN} {EVIL}", f"{OWN}, {EVIL}", f"{EVIL},{OWN}")
        ],
    ),
    ("47", D, [post(None, OWN, lines=[("origin", EVIL)]), post(None, EVIL, lines=[("origin", OWN)])]),
    ("48", D, [post(None, "https://example.com."), post(None, OWN, host="example.com.")]),
    (
        "51",
        D,
        [post(None, "https://public.example", host="internal:8000", lines=[("x-forwarded-host", "public.example")])],
    ),
    ("52a", D, [post(None, "https://ex\u00e4mple.com", host="xn--exmple-cua.com")]),
    ("52b", A, [post(None, "https://xn--exmple-cua.com", host="xn--exmple-cua.com")]),
    ("53", D, [post(None, OWN, host=None)]),
    ("54-57", A, [post(s, PARTNER, config=TRUSTED) for s in ("cross-site", "same-site", None, "garbage")]),
    (
        "58",
        D,
        [
            post("cross-site", origin, config=TRUSTED)
            for origin in ("http://partner.example", "https://a.partner.example", f"{PARTNER}:443", "null", None)
        ],
    ),
    ("59", A, [post("cross-site", "https://PARTNER.example", config=TRUSTED)]),
    (
        "60",
        D,
        [post("cross-site", o, config=TRUSTED) for o in (f"{PARTNER}/", f"{PARTNER}/x", "https://x@partner.example")],
    ),
    ("61", A, [post("cross-site", PARTNER, config={"allowed_origins": ["https://Partner.example"]})]),
    ("64", A, [post("cross-site", path=path, config=HOOK) for path in ("/hook/", "/hook/x")]),
    (
        "65-67",
        D,
        [
            post("cross-site", path=path, config=HOOK)
            for path in (
                *("/hook", "/hookx", "/Hook/x", "//hook/x", "/admin%3Fp=/hook/", "/a/../hook/x", "/hook/../admin"),
                *("/hook/..%2fadmin", "/hook/..%5cadmin", "/hook/%2e%2e/admin", "/hook/..;/admin"),
                *("/hook/%252e%252e/admin", "/hook%2fx"),
            )
        ],
    ),
    ("68", A, [post("cross-site", path="/%68ook/x", config=HOOK)]),
    ("69", A, [post("cross-site", path=path, config={"exempt_paths": ["/hook"]}) for path in ("/hook", "/hook/x")]),
    ("70", D, [post(config=STRICT), post("", "", config=STRICT)]),
    ("71", A, [post(method="GET", config=STRICT), post("same-origin", config=STRICT), post(None, OWN, config=STRICT)]),
]

NOT_AS_THE_NATIVE_CLASS: list[tuple[str, int, list[dict[str, Any]]]] = [
    # ASGI does not tell an absolute-form target, so Host counts
    ("49", D, [post(None, OWN, host="other.example")]),
    ("50", A, [post(None, "https://other.example", host="other.example")]),
    # no peer is trusted, no field overrides the method
    ("73", A, [post("cross-site", EVIL, method="GET", lines=[("x-http-method-override", "DELETE")])]),
]

CASES = [
    pytest.param(expected, row, id=f"{number}.{i}")
    for number, expected, rows in ROWS + NOT_AS_THE_NATIVE_CLASS
    for i, row in enumerate(rows)
]


@pytest.mark.parametrize(("expected", "row"), CASES)
def test_a_request_of_the_table_ends_as_the_table_says(expected: int, row: dict[str, Any]) -> None:
    middleware = CrossOriginProtection(hello, **row.get("config", {}))
    assert status_of(middleware, scope_of(row)) == expected


def test_a_websocket_handshake_of_another_site_is_let_through_as_documented() -> None:
    """Row 72; the native class denies it."""
    reached: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    scope = {**scope_of(post("cross-site", EVIL, method="GET")), "type": "websocket"}
    del scope["method"]
    finish(CrossOriginProtection(app)(scope, None, None))
    assert reached == ["websocket"]


@pytest.mark.parametrize(
    "value",
    [
        *("partner.example", "//partner.example", "https://", "https:///x", "", "https://partner.example/x"),
        *(
            "https://partner.example/",
            "https://partner.example?",
            "https://partner.example#",
            "*",
            "null",
            "https://[::1",
        ),
        *("https://u@partner.example", "https://partner.example:bogus", "https://partner.example:99999"),
        *(
            "ftp://partner.example",
            "https://ex\u00e4mple.com",
            "https://partner.example:443",
            "http://partner.example:80",
        ),
    ],
)
def test_an_origin_that_no_browser_sends_is_an_error_of_the_configuration(value: str) -> None:
    """Rows 62 and 63."""
    with pytest.raises(InvalidTrustedOriginError) as error:
        CrossOriginProtection(hello, allowed_origins=[PARTNER, value])
    assert isinstance(error.value, ValueError)
    assert error.value.value == value
    assert repr(value) in str(error.value) and error.value.reason in str(error.value)


@pytest.mark.parametrize("value", ["", "hook", "https://example.com/hook", "/hook?", "/hook/../x", "//hook", "/hook/*"])
def test_a_path_that_is_not_absolute_or_not_in_normal_form_is_an_error_of_the_configuration(value: str) -> None:
    with pytest.raises(InvalidExemptPathError) as error:
        CrossOriginProtection(hello, exempt_paths=["/ok", value])
    assert isinstance(error.value, ValueError)
    assert error.value.value == value
    assert repr(value) in str(error.value) and error.value.reason in str(error.value)
