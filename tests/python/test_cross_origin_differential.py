"""CrossOriginProtection beside asgi-cross-origin-protection 0.1.1: the same configuration, the same request.

Every difference is one of DIFFERENCES; each of them occurs. Requests are random, of spellings that browsers send, that
nobody sends, and of bytes changed at random.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from cross_origin_support import Application, Scope, finish, hello, http_scope, sent_by
from mantlet.cross_origin import CrossOriginProtection, UnsafeDefaultWarning

theirs = pytest.importorskip("asgi_cross_origin_protection")

pytestmark = pytest.mark.filterwarnings(f"ignore::{UnsafeDefaultWarning.__module__}.{UnsafeDefaultWarning.__name__}")

DENY, ALLOW = {"deny"}, {"allow"}

# what a request or a configuration has -> what we may do where they do the other, and why
DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "method in lower case": (DENY, "methods are case-sensitive (RFC 9110 section 9.1)"),
    "Sec-Fetch-Site in upper case": (DENY, "its value is a token, and tokens are case-sensitive (RFC 9651)"),
    "repeated Origin or Sec-Fetch-Site": (DENY, "recipients differ in which line they read (RFC 9110 section 5.3)"),
    "repeated Host": (DENY, "such a request is invalid (RFC 9112 section 3.2)"),
    "Host malformed": (DENY, "such a request is invalid (RFC 9112 section 3.2)"),
    "no Host": (DENY, "the address of the server's socket is not what the client asked for"),
    "Origin not as browsers write it": (DENY, "it is no serialised origin of http or https (RFC 6454 section 6.2)"),
    "field of more than 2048 bytes": (DENY, "no browser sends one, and nobody has to read it"),
    "path not in normal form": (DENY, "the application behind may read another path than the one that is exempt"),
    "whitespace around a value": (ALLOW, "it is not part of the value (RFC 9110 section 5.5)"),
    "exempt path percent-encoded": (ALLOW, "a path may be written as it stands in a URL (RFC 3986 section 2.1)"),
    "field name in upper case": (DENY | ALLOW, "names are case-insensitive (RFC 9110 section 5.1)"),
}

ORIGINS_TO_TRUST = [
    "https://partner.example",
    "http://partner.example:8080",
    "https://[::1]:8443",
    "https://Other.EXAMPLE",
]
EXEMPT_PATHS = ["/hook", "/hooks/", "/", "/a/b", "/\u00fc", "/pay%20me", "/pay me"]

METHODS = [
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "get",
    "Head",
    "post",
    "G T",
    "",
]
SITES = [
    b"same-origin",
    b"none",
    b"same-site",
    b"cross-site",
    b"",
    b"Same-Origin",
    b"NONE",
    b"garbage",
    b"same-origin;a=1",
]
SITES += [b'"same-origin"', b"same-origin, cross-site", b" same-origin ", b" ", b"\xff", b"same-origin" + b"x" * 3000]
NAMES = [
    "example.com",
    "EXAMPLE.com",
    "example.com.",
    "sub.example.com",
    "evil.example",
    "partner.example",
    "other.example",
]
NAMES += [
    "127.0.0.1",
    "[::1]",
    "[::FFFF:1]",
    "[0:0:0:0:0:0:0:1]",
    "my_host",
    "127.1",
    "0x7f.0.0.1",
    "a..b",
    "ex\u00e4mple.com",
]
NAMES += [
    "user@example.com",
    "u:p@example.com",
    "[::1",
    "::1",
    "[v1.a]",
    "",
    "a!b",
    "[fe80::1%25eth0]",
    "xn--exmple-cua.com",
]
PORTS = ["", ":443", ":80", ":8443", ":8080", ":08443", ":", ":bogus", ":99999", ":0", ":+80"]
SCHEMES = ["https://", "http://", "HTTPS://", "ftp://", "//", "", "javascript://", "chrome-extension://"]
TAILS = ["", "/", "/x", "?a", "#b", " https://evil.example", ",https://evil.example", "\t"]
PLAIN_PATHS = [b"/", b"/x", b"/hook", b"/hook/", b"/hook/x", b"/hooks", b"/hooks/x", b"/hook-x", b"/Hook/x", b"/a/b/c"]
PLAIN_PATHS += [b"/%68ook/x", b"/%C3%BC", b"/pay%20me"]
PATHS = [*PLAIN_PATHS]
PATHS += [
    b"/hook/../admin",
    b"/hook/..%2fadmin",
    b"/hook/..%5cadmin",
    b"/hook/%2e%2e/admin",
    b"/hook/..;/admin",
    b"//hook/x",
]
PATHS += [
    b"/hook/%252e%252e/admin",
    b"/hook%2fx",
    b"/a/../hook/x",
    b"/hook//x",
    b"/hook/%",
    b"/hook/%zz",
    b"/hook/a\\b",
    b"",
]
PATHS += [b"/%c3%bc/x", b"/pay%2520me", b"/hook/%00", b"*", b"/hook/a;b", b"/hook/.", b"/%ff/x"]

NAME = r"(?P<name>[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)\.?"
AUTHORITY = rf"(?:\[(?P<six>[0-9a-f:.]+)\]|{NAME})(?::(?P<port>0|[1-9][0-9]{{0,4}}))?"
ORIGIN = re.compile(rf"(?P<scheme>https?)://{AUTHORITY}", re.IGNORECASE)
HOST = re.compile(AUTHORITY, re.IGNORECASE)


def is_written_well(pattern: re.Pattern[str], value: bytes) -> bool:
    """Whether a value, without the whitespace around it, is a Host or an Origin as browsers write them."""
    found = pattern.fullmatch(value.strip().decode("latin-1"))
    if found is None or int(found["port"] or 0) > 65535:
        return False
    if "scheme" in found.groupdict():
        default = {"http": "80", "https": "443"}[found["scheme"].lower()]
        if found["port"] == default:
            return False
    try:
        if found["six"]:
            ipaddress.IPv6Address(found["six"])
        elif re.fullmatch(r"[0-9]+|0x[0-9a-f]*", found["name"].split(".")[-1], re.IGNORECASE):
            ipaddress.IPv4Address(found["name"])
    except ValueError:
        return False
    return True


def is_normal(path: bytes) -> bool:
    """Whether everybody reads the same path."""
    if not path.startswith(b"/") or re.search(rb"%(?![0-9a-fA-F]{2})|%2f|%5c|%25|%[01]|\\|//", path, re.IGNORECASE):
        return False
    segments = re.sub(rb"%2e", b".", path, flags=re.IGNORECASE).split(b"/")
    return not any(segment.split(b";")[0] in (b".", b"..") for segment in segments)


@dataclass
class Case:
    """A configuration and a request."""

    config: dict[str, Any]
    method: str
    path: bytes
    headers: list[tuple[bytes, bytes]]
    more: dict[str, Any] = field(default_factory=dict)

    def scope(self) -> Scope:
        return http_scope(self.method, self.path, self.headers, **self.more)

    def named(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.headers if known.lower() == name]

    def peculiarities(self) -> set[str]:
        """Which of DIFFERENCES the case has."""
        hosts, origins, sites = (self.named(name) for name in (b"host", b"origin", b"sec-fetch-site"))
        exempt = self.config["exempt_paths"]
        safe = ("GET", "HEAD", "OPTIONS")
        has = {
            "method in lower case": self.method not in safe and self.method.upper() in safe,
            "Sec-Fetch-Site in upper case": any(site != site.lower() for site in sites),
            "repeated Origin or Sec-Fetch-Site": len(origins) > 1 or len(sites) > 1,
            "repeated Host": len(hosts) > 1,
            "Host malformed": not all(is_written_well(HOST, host) for host in hosts),
            "no Host": not hosts,
            "Origin not as browsers write it": not all(
                is_written_well(ORIGIN, value) for value in origins if value.strip()
            ),
            "field of more than 2048 bytes": any(len(value) > 2048 for value in hosts + origins + sites),
            "path not in normal form": bool(exempt) and not is_normal(self.path),
            "whitespace around a value": any(value != value.strip() for value in hosts + origins + sites),
            "exempt path percent-encoded": any("%" in path for path in exempt),
            "field name in upper case": any(name != name.lower() for name, _ in self.headers),
        }
        assert has.keys() == DIFFERENCES.keys()
        return {name for name, there in has.items() if there}


def authority(dice: random.Random, *, plain: bool) -> str:
    if plain:
        return dice.choice(["example.com", "EXAMPLE.com", "127.0.0.1", "[::1]"]) + dice.choice(["", "", ":8443"])
    return dice.choice(NAMES) + dice.choice(PORTS if dice.random() < 0.3 else ["", ":8443"])


def changed(dice: random.Random, value: bytes) -> bytes:
    """The value, with a byte put in, taken out or in place of another, once in a while."""
    if dice.random() < 0.9:
        return value
    at = dice.randint(0, len(value))
    byte = dice.choice([b"", b"\x00", b" ", b".", b":", b"/", b"a", b"A", b"[", b"]", b"@", b"%", b"\xe4", b"9"])
    return value[:at] + byte + value[at + dice.randint(0, 1) :]


def random_config(dice: random.Random) -> dict[str, Any]:
    def few(pool: list[str]) -> list[str]:
        return dice.sample(pool, dice.choice([0, 1, 3]))

    return {
        "allowed_origins": few(ORIGINS_TO_TRUST),
        # "/" is rare: it exempts everything
        "exempt_paths": few([path for path in EXEMPT_PATHS if path != "/" or dice.random() < 0.05]),
        "allow_unverifiable_requests": dice.random() < 0.7,
    }


ODDITIES = ["host", "origin", "site", "bytes", "repeated", "case", "whitespace", "missing", "method", "path"]


def random_case(dice: random.Random, config: dict[str, Any]) -> Case:
    """Any request at all: in one of two a single thing is odd, in the others everything may be."""
    alone = dice.choice(ODDITIES) if dice.random() < 0.5 else None

    def odd(what: str) -> bool:
        return alone in (None, what)

    host = authority(dice, plain=not odd("host"))
    own = host if dice.random() < 0.5 else authority(dice, plain=not odd("origin"))
    scheme = dice.choice(SCHEMES if odd("origin") else ["https://", "http://"])
    tail = dice.choice(TAILS if odd("origin") else [""])
    origin = f"{scheme}{own}{tail}"
    if dice.random() < 0.3:
        origin = dice.choice([value.lower() for value in config["allowed_origins"]] or ["null"]) + tail
    site = dice.choice(SITES if odd("site") else [b"same-origin", b"none", b"same-site", b"cross-site", b""])
    headers = [(b"accept", b"*/*"), (b"cookie", b"a=" + b"x" * 20_000)]
    for name, value, odds in (
        (b"host", host.encode("latin-1"), 0.9 if odd("missing") else 1.0),
        (b"origin", origin.encode("latin-1"), 0.7),
        (b"sec-fetch-site", site, 0.5),
    ):
        if dice.random() < odds:
            headers.append((name, changed(dice, value) if odd("bytes") else value))
    if odd("repeated") and dice.random() < 0.3:
        name, value = dice.choice(headers)
        headers.append((name, dice.choice([value, b"https://evil.example", b"cross-site", b"same-origin"])))
    if odd("case") and dice.random() < 0.2:
        headers = [(name.title() if dice.random() < 0.5 else name, value) for name, value in headers]
    if odd("whitespace") and dice.random() < 0.1:
        headers = [(name, dice.choice([b" %b", b"%b\t", b" "]).replace(b"%b", value)) for name, value in headers]
    dice.shuffle(headers)
    more: dict[str, Any] = {"server": dice.choice([None, ("example.com", None), ("127.0.0.1", 8443)])}
    method = dice.choice(METHODS if odd("method") else METHODS[:4])
    path = dice.choice(PATHS if odd("path") else PLAIN_PATHS)
    return Case(config, method, path, headers, more)


def verdict(middleware: Any, case: Case) -> str:
    """What becomes of the request."""
    reached: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        reached.append("allow")

    async def deny(scope: Scope, receive: Any, send: Any) -> None:
        reached.append("deny")

    finish(middleware(app, deny_app=deny, **case.config)(case.scope(), None, None))
    (became,) = reached
    return became


@pytest.fixture(scope="module")
def differing() -> list[tuple[Case, str, str]]:
    """The cases that end differently, with their verdict and ours."""
    found = []
    for seed in range(600):
        dice = random.Random(seed)
        config = random_config(dice)
        for _ in range(60):
            case = random_case(dice, config)
            their_verdict = verdict(theirs.CrossOriginProtection, case)
            our_verdict = verdict(CrossOriginProtection, case)
            if their_verdict != our_verdict:
                found.append((case, their_verdict, our_verdict))
    return found


def test_every_difference_is_a_listed_one(differing: list[tuple[Case, str, str]]) -> None:
    for case, their_verdict, our_verdict in differing:
        reasons = [name for name in case.peculiarities() if our_verdict in DIFFERENCES[name][0]]
        assert reasons, f"they {their_verdict}, we {our_verdict}: {case}"


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_listed_difference_occurs_alone(name: str, differing: list[tuple[Case, str, str]]) -> None:
    seen: Counter[str] = Counter()
    for case, _, our_verdict in differing:
        if case.peculiarities() == {name}:
            seen[our_verdict] += 1
    assert set(seen) == DIFFERENCES[name][0], seen


def test_what_a_browser_or_a_program_sends_ends_the_same() -> None:
    dice = random.Random(72)
    ends: Counter[str] = Counter()
    for _ in range(4000):
        config = {
            "allowed_origins": dice.sample(ORIGINS_TO_TRUST, dice.randrange(3)),
            "exempt_paths": dice.sample(["/hook", "/hooks/", "/a/b"], dice.randrange(3)),
            "allow_unverifiable_requests": dice.random() < 0.7,
        }
        host = authority(dice, plain=True).lower()
        origin = dice.choice(
            [f"https://{host}", f"http://{host}", "null", "https://evil.example", "https://partner.example"]
        )
        headers = [(b"host", host.encode()), (b"user-agent", b"Mozilla/5.0"), (b"cookie", b"a=b")]
        if dice.random() < 0.7:
            headers.append((b"origin", origin.encode()))
        if dice.random() < 0.6:
            headers.append((b"sec-fetch-site", dice.choice([b"same-origin", b"same-site", b"cross-site", b"none"])))
        path = dice.choice(
            [b"/", b"/hook", b"/hook/1", b"/hooks/1", b"/hooks", b"/a/b/", b"/a/b?", b"/%C3%BC", b"/a%20b"]
        )
        case = Case(config, dice.choice(METHODS[:9]), path, headers)
        end = verdict(CrossOriginProtection, case)
        assert end == verdict(theirs.CrossOriginProtection, case), case
        ends[end] += 1
    assert min(ends["allow"], ends["deny"]) > 500, ends


def test_the_answer_to_a_denied_request_is_theirs_to_the_byte() -> None:
    scope = http_scope(headers=[(b"host", b"example.com"), (b"sec-fetch-site", b"cross-site")])
    assert sent_by(CrossOriginProtection(hello), dict(scope)) == sent_by(
        theirs.CrossOriginProtection(hello), dict(scope)
    )


OWN, HOOKS = (b"origin", b"https://example.com"), {"exempt_paths": ["/hooks"]}


def documented(*headers: tuple[bytes, bytes], host: bytes | None = b"example.com", **more: Any) -> Case:
    """A line of docs/migrating-from-asgi-cross-origin-protection.md."""
    config = {"exempt_paths": [], **more.pop("config", {})}
    lines = [] if host is None else [(b"host", host)]
    return Case(config, more.pop("method", "POST"), more.pop("path", b"/"), [*lines, *headers], more)


SITE, FOREIGN = b"sec-fetch-site", (b"sec-fetch-site", b"cross-site")
DENIED_BY_US_ALONE = [
    documented(FOREIGN, method="get"),
    documented((SITE, b"Same-Origin")),
    documented((SITE, b"same-origin"), (SITE, b"cross-site")),
    documented(OWN, (b"origin", b"https://evil.example")),
    documented((b"host", b"example.com")),
    documented((b"host", b"example.com"), path=b"/hooks", config=HOOKS),
    *(documented(OWN, host=b"example.com" + tail) for tail in (b":bogus", b":")),
    *(documented(host=host, path=b"/hooks", config=HOOKS) for host in (b"example.com:bogus", b"")),
    documented(OWN, host=b"user@example.com"),
    documented(OWN, host=None, server=("example.com", None)),
    *(documented((b"origin", b"https://example.com" + tail)) for tail in (b"/", b"/a?b#c", b":")),
    documented((b"origin", b"https://user@example.com")),
    documented((b"origin", b"ftp://example.com")),
    documented((b"origin", b"https://example.com:08443"), host=b"example.com:8443"),
    documented((b"origin", b"https://example.com:443"), host=b"example.com:443"),
    documented((b"origin", b"https://ex\xe4mple.com"), host=b"ex\xe4mple.com"),
    *(documented(FOREIGN, path=b"/hooks" + path, config=HOOKS) for path in (b"/..%2fadmin", b"/%2e%2e/admin")),
    *(documented(FOREIGN, path=b"/hooks" + path, config=HOOKS) for path in (b"/../admin", b"//a", b"/..;/a", b"%2fa")),
    documented((SITE, b"same-origin"), (b"origin", b"https://example.com/" + b"x" * 2048)),
]
DENIED_BY_THEM_ALONE = [
    documented((SITE, b" same-origin")),
    documented((SITE, b"none\t")),
    documented(OWN, host=b" example.com"),
    documented(FOREIGN, path=b"/pay%20me", config={"exempt_paths": ["/pay%20me"]}),
    documented(OWN, (b"Host", b"example.com"), host=None),
]


@pytest.mark.parametrize("case", DENIED_BY_US_ALONE, ids=str)
def test_the_document_is_right_about_what_is_denied_here(case: Case) -> None:
    assert verdict(theirs.CrossOriginProtection, case) == "allow"
    assert verdict(CrossOriginProtection, case) == "deny"


@pytest.mark.parametrize("case", DENIED_BY_THEM_ALONE, ids=str)
def test_the_document_is_right_about_what_is_let_through_here(case: Case) -> None:
    assert verdict(theirs.CrossOriginProtection, case) == "deny"
    assert verdict(CrossOriginProtection, case) == "allow"


ACCEPTED_BY_THEM_ALONE = {
    "allowed_origins": [
        "https://user@partner.example",
        "https://partner.example:443",
        "http://partner.example:80",
        "https://partner.example:08443",
        "https://partner.example:",
        "ftp://partner.example",
        "https://ex\u00e4mple.com",
        "https://*.partner.example",
        "https://127.1",
        " https://partner.example",
    ],
    "exempt_paths": ["/a?b", "/a#b", "/a/*", "/a*", "//a", "/a/../b", "/a/./b", "/a%2fb", "/a%", "/a\\b", "/a\n"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, many in ACCEPTED_BY_THEM_ALONE.items() for value in many]
)
def test_an_entry_that_never_matches_or_matches_too_much_is_refused_by_us_alone(name: str, value: str) -> None:
    theirs.CrossOriginProtection(hello, **{name: [value]})
    with pytest.raises(ValueError, match=name):
        CrossOriginProtection(hello, **{name: [value]})


def test_no_entry_is_accepted_by_us_alone() -> None:
    dice = random.Random(63)
    accepted: Counter[str] = Counter()

    def takes(middleware: Any, name: str, value: str) -> bool:
        try:
            middleware(hello, **{name: [value]})
        except ValueError:
            return False
        return True

    for _ in range(6000):
        origin = dice.choice(SCHEMES) + authority(dice, plain=dice.random() < 0.5) + dice.choice(TAILS)
        path = changed(dice, dice.choice(PATHS)).decode("latin-1")
        for name, value in (("allowed_origins", origin), ("exempt_paths", path)):
            if takes(CrossOriginProtection, name, value):
                accepted[name] += 1
                assert takes(theirs.CrossOriginProtection, name, value), value
    assert min(accepted["allowed_origins"], accepted["exempt_paths"]) > 200, accepted


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_both_let_through_what_is_no_http_request(kind: str) -> None:
    reached: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    headers = [(b"host", b"example.com"), (b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site")]
    middlewares: list[Application] = [theirs.CrossOriginProtection(app), CrossOriginProtection(app)]
    for middleware in middlewares:
        finish(middleware({"type": kind, "path": "/", "headers": headers}, None, None))
    assert reached == [kind, kind]
