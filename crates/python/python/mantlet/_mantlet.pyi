import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from typing import Any, Literal, final, overload

from typing_extensions import Self, disjoint_base

from mantlet._limit import RateLimitConfig
from mantlet._preset import Preset
from mantlet.cross_origin import CrossOriginProtection as CrossOriginProtection
from mantlet.isolation import CrossOriginIsolation as CrossOriginIsolation

__version__: str

_LimitHeaders = Literal["ietf-10", "ietf-7", "ietf-6", "legacy", "legacy-epoch", "off"]
_Mode = Literal["override", "if_missing", "append", "remove", "off"]

class PolicyError(ValueError):
    """A policy that a browser would ignore or misread, or that cannot be read: every error, one in a line."""

class PolicyWarning(UserWarning):
    """A policy that means something else than it seems to."""

@final
class Policy:
    """A compiled policy; it does not change. `text` is that of a policy file, and keywords go over it."""

    def __new__(
        cls,
        text: str = "",
        *,
        preset: Preset | str | None = None,
        environment: Literal["production", "development"] | str | None = None,
        https: Literal["auto", "assume", "redirect"] | str | None = None,
        trusted_proxies: Iterable[str] | None = None,
        client_address: str | None = None,
        hosts: Iterable[str] | None = None,
        cross_origin: Literal["enforce", "report"] | str | None = None,
        enforce_percent: int | None = None,
        allowed_origins: Iterable[str] | None = None,
        self_origins: Iterable[str] | None = None,
        danger_exempt_paths: Iterable[str] | None = None,
        danger_cross_origin_off: bool = False,
        tell_reason: bool | None = None,
        csp: Mapping[str, Iterable[str]] | None = None,
        csp_add: Mapping[str, Iterable[str]] | None = None,
        csp_drop: Iterable[str] | None = None,
        csp_report_only: Mapping[str, Iterable[str]] | None = None,
        headers: Mapping[str, str | Literal[False]] | None = None,
        header_modes: Mapping[str, _Mode] | None = None,
        limits: Iterable[RateLimitConfig] | None = None,
        limit_headers: _LimitHeaders | str | None = None,
        redis: Any = None,
    ) -> Policy: ...
    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, environment: str | None = None) -> Policy:
        """Reads the policy file at `path`. The environment is `environment`, else that of the variable
        `MANTLET_ENVIRONMENT`, else the file's own. The file is read once: `Mantlet` is given the path if it is to
        follow it.
        """

    def on_request(
        self,
        method: str,
        path: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        query: bytes | None = None,
        peer: str | None = None,
        tls: bool = False,
        authority: bytes | None = None,
        request: object = None,
    ) -> Exchange:
        """Judges a request by its head. `path` is as it came over the wire, without the query; `peer` is the address of
        the other end of the connection, and what is no IP address counts as unknown; `authority` is that of an
        absolute-form target or `:authority`; `request` is what the cost functions of limits are given.

        Where a limit counts in a store, that is asked, and the call blocks meanwhile, by the store's timeout at most.
        """

    def on_request_async(
        self,
        method: str,
        path: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        query: bytes | None = None,
        peer: str | None = None,
        tls: bool = False,
        authority: bytes | None = None,
        request: object = None,
    ) -> Coroutine[Any, Any, Exchange]:
        """As `on_request`, to be awaited: for a policy whose limits count in a store, which is asked without blocking
        the event loop. Of any other policy it waits for nothing.
        """

    def limit_states(self) -> list[dict[str, Any]]:
        """What each limit has counted in this process, for metrics: a dict for each, in their order."""

    def store_state(self) -> dict[str, Any] | None:
        """What the store of the limits has been asked in this process, for metrics; `None` without one."""

    @property
    def environment(self) -> Literal["production", "development"]:
        """`"production"` or `"development"`."""

    @property
    def uses_nonce(self) -> bool:
        """Whether the policy draws nonces: the application then has to write them into its pages."""

@final
class Exchange:
    """One request and its response, under the policy it was opened with."""

    @property
    def permit(self) -> Permit | None:
        """What the application may read; `None` if the request is denied."""

    @property
    def denial(self) -> Denial | None:
        """The answer in the application's place; `None` if the request goes on."""

    def on_response(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The header list of a response after the policy's edits: a new list, with lower-case names for the fields of
        the policy. `status` is 100 to 999.
        """

@final
class Permit:
    """What an application may read of a request that was let through: `scope["mantlet"]`, `environ["mantlet"]`."""

    @property
    def nonce(self) -> str | None:
        """The nonce for script and style elements of this response, 22 characters of base64url; `None` where the policy
        has no `'nonce'`.
        """

    @property
    def client(self) -> str | None:
        """The address of the client: the peer's, or what a trusted proxy tells of it; `None` where the server does not
        know the peer.
        """

    @property
    def secure(self) -> bool:
        """Whether the client came by https: TLS at the server, a trusted proxy's word, or `https = "assume"`."""

    @property
    def reported(self) -> tuple[str, ...]:
        """The reason codes for which the checks that only report would have denied the request."""

    @property
    def quotas(self) -> dict[str, tuple[int, float]]:
        """What the limits that the request has passed leave, by name: how many more may come at once, and the seconds
        until all are there again.
        """

@final
class Denial:
    """The answer to a denied request, edited and ready to send."""

    @property
    def status(self) -> int:
        """The status, 300 to 599."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The whole header list, names in lower case."""

    @property
    def body(self) -> bytes:
        """The body; empty for HEAD."""

    @property
    def reason(self) -> str:
        """The stable code of the reason, `check.cause`: `origin.cross-site`."""

    @property
    def detail(self) -> str:
        """One sentence for the client."""

    @property
    def fix(self) -> str | None:
        """What the operator can do if the request should have passed; for the log, never for the client."""

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that the request is above; empty for a denial of anything else."""

@disjoint_base
class Middleware:
    """The native part of `mantlet.Mantlet`."""

    def __new__(
        cls,
        app: Callable[..., Any],
        policy: Policy | str | os.PathLike[str],
        follow: float | None = None,
        redis: Any = None,
    ) -> Self: ...
    @property
    def app(self) -> Callable[..., Any]:
        """The application inside."""

    @property
    def policy(self) -> Policy:
        """The policy in force."""

    @overload
    def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> Awaitable[None]: ...
    @overload
    def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], /) -> Iterable[bytes]: ...

# what mantlet.audit and mantlet.check answer, and ask of Rust

@final
class Grade:
    """A grade, `A+` to `F`; the better one is the greater. Equal to its text, and compared with grades as text."""

    def __new__(cls, text: str) -> Grade:
        """`ValueError` for what is no grade."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Grade | str, /) -> bool: ...
    def __le__(self, other: Grade | str, /) -> bool: ...
    def __gt__(self, other: Grade | str, /) -> bool: ...
    def __ge__(self, other: Grade | str, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __format__(self, specification: str, /) -> str: ...

@final
class Audit:
    """How good a response is: findings, a score and a grade."""

    @property
    def url(self) -> str:
        """The URL of the page."""

    @property
    def profile(self) -> Literal["mantlet", "observatory", "presence"]:
        """Whose judgement the grade is: `"mantlet"`, `"observatory"`, `"presence"`."""

    @property
    def grade(self) -> Grade:
        """The grade."""

    @property
    def score(self) -> int:
        """The score, from 0; 100 is A+, and the Observatory's bonuses go above it."""

    @property
    def sum(self) -> tuple[tuple[str, int], ...]:
        """How the score came about: labels and points, 100 at the start."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What mantlet's rules find, the worst first, whatever the profile."""

    @property
    def tests(self) -> tuple[ObservatoryTest, ...]:
        """The tests of the HTTP Observatory in its order, whatever the profile."""

    def to_json(self) -> str:
        """As `mantlet scan --format json` with the same profile."""

@final
class Finding:
    """One finding of a rule."""

    @property
    def rule(self) -> str:
        """The stable name of the rule: `csp.unsafe-inline`."""

    @property
    def severity(self) -> Literal["high", "medium", "low", "info"]:
        """How bad it is here: `"high"`, `"medium"`, `"low"`, or `"info"`, which takes no points."""

    @property
    def title(self) -> str:
        """The fault, in a phrase."""

    @property
    def header(self) -> str | None:
        """The name of the field at fault; of a fault elsewhere, and of a field that is missing, that of the field which
        mends it. `None` where no field does.
        """

    @property
    def message(self) -> str:
        """What is the case, in a sentence."""

    @property
    def effect(self) -> str:
        """What somebody can do who knows the fault."""

    @property
    def remedy(self) -> str:
        """What to do about it."""

    @property
    def fix(self) -> str | None:
        """The header line that should be sent, `Name: value`; `None` where none should."""

    @property
    def snippets(self) -> dict[str, str]:
        """The same for servers: texts under `mantlet.toml`, `nginx`, `Caddy`, `Apache`, `Express`; empty where no
        change of a configuration mends it.
        """

    @property
    def place(self) -> str | None:
        """Where it is to be seen: the name of a field, `meta`, `body`, `url`, or words such as `404 page`; `None` for
        what is missing.
        """

    @property
    def text(self) -> str | None:
        """The text that holds it: the value of the field, as it came."""

    @property
    def span(self) -> tuple[int, int] | None:
        """Where in `text` it is: `text[start:end]`, in characters; empty where something is missing."""

    @property
    def references(self) -> tuple[str, ...]:
        """Standards and guides."""

@final
class ObservatoryTest:
    """One test of the HTTP Observatory, and its result."""

    @property
    def name(self) -> str:
        """The test, as the Observatory names it: `x-frame-options`."""

    @property
    def expectation(self) -> str:
        """The result with which it passes without more."""

    @property
    def result(self) -> str:
        """The result, as the Observatory names it."""

    @property
    def modifier(self) -> int:
        """The points that the result adds; negative ones are a penalty."""

    @property
    def passes(self) -> bool:
        """Whether it is passed."""

    @property
    def description(self) -> str:
        """What the result means, in a sentence."""

_Seen = tuple[str, int, list[tuple[str, str]], str]

def _audit(
    seen: _Seen,
    profile: str,
    hops: list[_Seen],
    again: _Seen | None,
    not_found: _Seen | None,
    error: _Seen | None,
    cross_site_post: int | None,
) -> Audit: ...
def _check(policy: Policy, path: str, https: bool) -> tuple[str, int, list[tuple[str, str]]]: ...

# what mantlet._limit and mantlet._store ask of Rust

@final
class _Limit:
    """A limit by the keys of `[[limit]]`."""

    def __new__(cls, keys: str, cost: Callable[[Any], int] | None) -> _Limit: ...

@final
class _Store:
    """Where the limits of a policy are counted that several processes share."""

    @property
    def loops(self) -> dict[asyncio.AbstractEventLoop, Any]: ...
    @property
    def client(self) -> Any: ...
    @property
    def address(self) -> tuple[str, int] | os.PathLike[str] | None: ...
    @property
    def tls(self) -> tuple[Any, Any, Any] | None: ...
    @property
    def timeout(self) -> float: ...
    @property
    def connect_timeout(self) -> float: ...
    @property
    def is_well(self) -> bool: ...
    def block_for(self, waiting: _Waiting) -> None: ...
    def line(self) -> _Line: ...

@final
class _Waiting:
    """A request that waits for its store."""

    @property
    def store(self) -> _Store: ...
    def __len__(self) -> int: ...
    def words(self, question: int, whole: bool) -> list[bytes]: ...
    def answer(self, question: int, numbers: object) -> None: ...
    def give_up(self, word: str, text: str) -> None: ...
    def resume(self) -> Awaitable[None] | Exchange | None: ...
    def given_back(self) -> list[list[bytes]]: ...

@final
class _Line:
    """A connection to Redis, without its transport."""

    def ask(self, waiting: _Waiting, future: asyncio.Future[None], deadline: float) -> None: ...
    def unsent(self) -> bytes: ...
    def feed(self, data: bytes) -> bool: ...
    def expire(self, now: float) -> float | None: ...
    def broke(self, why: str) -> None: ...

# what mantlet.secure, mantlet.headers and mantlet.middleware ask of Rust

_Pairs = list[tuple[str, str]]

_COMMA_JOIN_OK: tuple[str, ...]
_DEFAULT_ALLOWED_HEADERS: tuple[str, ...]
_MULTI_OK: tuple[str, ...]

def _edited() -> None: ...
def _edits() -> int: ...
def _csp_word_problem(word: str) -> str | None: ...
def _csp_meta(value: str) -> tuple[str, list[str]]: ...
def _structured_problem(name: str, value: str) -> str | None: ...
def _ignored_by_browsers(name: str, value: str) -> list[str]: ...
def _allowlist(fields: _Pairs, allowed: list[str], on_unexpected: str, x_prefixed: bool) -> tuple[_Pairs, _Pairs]: ...
def _deduplicate(
    fields: _Pairs, action: str, comma_join_ok: list[str], multi_ok: list[str]
) -> tuple[_Pairs, _Pairs]: ...
def _validate(fields: _Pairs, on_invalid: str, strict: bool, obs_text: bool) -> tuple[_Pairs, _Pairs]: ...

@disjoint_base
class _Headers:
    app: Any
    secure: Any
    def __new__(cls, *_args: object, **_kwargs: object) -> Self: ...
    @property
    def multi_ok(self) -> list[str]: ...
    def _configure(self, app: object, secure: object, multi_ok: list[str], outgoing: _Outgoing) -> None: ...

class _AsgiHeaders(_Headers):
    def __new__(cls, *_args: object, **_kwargs: object) -> Self: ...
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...

class _WsgiHeaders(_Headers):
    def __new__(cls, *_args: object, **_kwargs: object) -> Self: ...
    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]: ...

_Outgoing = Callable[[Any], tuple[_Pairs, bool]]
