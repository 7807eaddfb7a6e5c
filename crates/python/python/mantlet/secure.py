"""The API of the package `secure`: replace the import, and nothing else changes.

What differs on purpose is in `docs/migrating-from-secure.md`.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, overload

from mantlet._mantlet import (
    _COMMA_JOIN_OK,
    _DEFAULT_ALLOWED_HEADERS,
    _MULTI_OK,
    _allowlist,
    _deduplicate,
    _edited,
    _validate,
)
from mantlet._preset import Preset
from mantlet.headers import (
    BaseHeader,
    CacheControl,
    ContentSecurityPolicy,
    CrossOriginEmbedderPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    CustomHeader,
    PermissionsPolicy,
    ReferrerPolicy,
    Server,
    StrictTransportSecurity,
    XContentTypeOptions,
    XDnsPrefetchControl,
    XFrameOptions,
    XPermittedCrossDomainPolicies,
)

__all__ = [
    "COMMA_JOIN_OK",
    "DEFAULT_ALLOWED_HEADERS",
    "MULTI_OK",
    "HeaderSetError",
    "Preset",
    "Secure",
]

if TYPE_CHECKING:
    _List = list[BaseHeader]
else:
    _List = list

Entry = BaseHeader | tuple[str, str] | list[str]

MULTI_OK: frozenset[str] = frozenset(_MULTI_OK)
"""Names that may come several times, in lower case."""

COMMA_JOIN_OK: frozenset[str] = frozenset(_COMMA_JOIN_OK)
"""Names whose values may be joined with a comma, in lower case."""

DEFAULT_ALLOWED_HEADERS: frozenset[str] = frozenset(_DEFAULT_ALLOWED_HEADERS)
"""The names that `Secure.allowlist_headers` allows unless told otherwise, in lower case."""

_BUILDERS: frozenset[type] = frozenset(
    {
        CacheControl,
        ContentSecurityPolicy,
        CrossOriginEmbedderPolicy,
        CrossOriginOpenerPolicy,
        CrossOriginResourcePolicy,
        CustomHeader,
        PermissionsPolicy,
        ReferrerPolicy,
        Server,
        StrictTransportSecurity,
        XContentTypeOptions,
        XDnsPrefetchControl,
        XFrameOptions,
        XPermittedCrossDomainPolicies,
    }
)


class HeaderSetError(RuntimeError):
    """A response object refused a header."""


class _HeaderList(_List):
    """The headers of a `Secure` object. It takes builders and pairs of str; every change forgets the snapshot."""

    def __init__(self, entries: Iterable[Entry], forget: Callable[[], None]) -> None:
        super().__init__(_header(entry) for entry in entries)
        self._forget = forget
        _edited()

    def _changed(self) -> None:
        self._forget()
        _edited()

    def append(self, entry: Entry) -> None:
        super().append(_header(entry))
        self._changed()

    def extend(self, entries: Iterable[Entry]) -> None:
        super().extend([_header(entry) for entry in entries])
        self._changed()

    def insert(self, index: SupportsIndex, entry: Entry) -> None:
        super().insert(index, _header(entry))
        self._changed()

    def remove(self, entry: BaseHeader) -> None:
        super().remove(entry)
        self._changed()

    def pop(self, index: SupportsIndex = -1) -> BaseHeader:
        popped = super().pop(index)
        self._changed()
        return popped

    def clear(self) -> None:
        super().clear()
        self._changed()

    def reverse(self) -> None:
        super().reverse()
        self._changed()

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        super().sort(key=key, reverse=reverse)
        self._changed()

    @overload
    def __setitem__(self, index: SupportsIndex, entry: Entry) -> None: ...
    @overload
    def __setitem__(self, index: slice, entry: Iterable[Entry]) -> None: ...
    def __setitem__(self, index: SupportsIndex | slice, entry: Any) -> None:
        if isinstance(index, slice):
            super().__setitem__(index, [_header(each) for each in entry])
        else:
            super().__setitem__(index, _header(entry))
        self._changed()

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        super().__delitem__(index)
        self._changed()

    def __iadd__(self, entries: Iterable[Entry]) -> _HeaderList:  # type: ignore[override, misc]
        self.extend(entries)
        return self

    def __imul__(self, count: SupportsIndex) -> _HeaderList:
        super().__imul__(count)
        self._changed()
        return self


def _header(entry: Entry) -> BaseHeader:
    if isinstance(entry, BaseHeader):
        return entry
    if isinstance(entry, (tuple, list)) and len(entry) == 2 and all(isinstance(part, str) for part in entry):
        return CustomHeader(entry[0], entry[1])
    raise TypeError(f"a header is a builder or a pair of str, not {entry!r}")


class Secure:
    """The headers of an application, in the order in which they are sent."""

    def __init__(
        self,
        *,
        cache: CacheControl | None = None,
        coep: CrossOriginEmbedderPolicy | None = None,
        coop: CrossOriginOpenerPolicy | None = None,
        corp: CrossOriginResourcePolicy | None = None,
        csp: ContentSecurityPolicy | None = None,
        custom: list[CustomHeader] | None = None,
        hsts: StrictTransportSecurity | None = None,
        permissions: PermissionsPolicy | None = None,
        referrer: ReferrerPolicy | None = None,
        xpcdp: XPermittedCrossDomainPolicies | None = None,
        xdfc: XDnsPrefetchControl | None = None,
        server: Server | None = None,
        xcto: XContentTypeOptions | None = None,
        xfo: XFrameOptions | None = None,
    ) -> None:
        given: list[BaseHeader | None] = [cache, coep, coop, corp, csp, hsts, permissions, referrer]
        given += [xpcdp, xdfc, server, xcto, xfo]
        self._snapshot: Mapping[str, str] | None = None
        self._snapshot_of: tuple[tuple[str, str], ...] = ()
        entries: list[Entry] = [header for header in given if header is not None]
        self._headers = _HeaderList([*entries, *(custom or [])], self._forget)

    @property
    def headers_list(self) -> _HeaderList:
        """The builders, as a list that may be changed; it takes pairs of str too.

        Raises `TypeError` for anything else.
        """
        return self._headers

    @headers_list.setter
    def headers_list(self, entries: Iterable[Entry]) -> None:
        self._headers = _HeaderList(entries, self._forget)
        self._forget()

    @classmethod
    def with_default_headers(cls) -> Secure:
        """The headers of `Preset.BALANCED`."""
        return cls.from_preset(Preset.BALANCED)

    @classmethod
    def from_preset(cls, preset: Preset) -> Secure:
        """The headers of `Preset.BASIC`, `BALANCED` or `STRICT`. Raises `ValueError` for anything else."""
        if preset is Preset.BASIC:
            return cls(
                coop=CrossOriginOpenerPolicy(),
                corp=CrossOriginResourcePolicy(),
                csp=_balanced_csp(),
                hsts=StrictTransportSecurity().max_age(31_536_000).include_subdomains(),
                referrer=ReferrerPolicy().no_referrer(),
                xpcdp=XPermittedCrossDomainPolicies(),
                xdfc=XDnsPrefetchControl(),
                xcto=XContentTypeOptions(),
                xfo=XFrameOptions(),
                custom=[
                    CustomHeader("Origin-Agent-Cluster", "?1"),
                    CustomHeader("X-Download-Options", "noopen"),
                    CustomHeader("X-XSS-Protection", "0"),
                ],
            )
        if preset is Preset.BALANCED:
            return cls(
                coop=CrossOriginOpenerPolicy(),
                corp=CrossOriginResourcePolicy(),
                csp=_balanced_csp(),
                hsts=StrictTransportSecurity().max_age(31_536_000).include_subdomains(),
                permissions=PermissionsPolicy().geolocation().microphone().camera(),
                referrer=ReferrerPolicy().strict_origin_when_cross_origin(),
                server=Server(),
                xcto=XContentTypeOptions(),
                xfo=XFrameOptions(),
            )
        if preset is Preset.STRICT:
            return cls(
                cache=CacheControl().no_store().max_age(0),
                coep=CrossOriginEmbedderPolicy(),
                coop=CrossOriginOpenerPolicy(),
                csp=ContentSecurityPolicy()
                .default_src("'self'")
                .script_src("'self'")
                .style_src("'self'")
                .object_src("'none'")
                .base_uri("'none'")
                .frame_ancestors("'none'"),
                hsts=StrictTransportSecurity().max_age(63_072_000).include_subdomains(),
                permissions=PermissionsPolicy().geolocation().microphone().camera(),
                referrer=ReferrerPolicy().no_referrer(),
                server=Server(),
                xcto=XContentTypeOptions(),
                xfo=XFrameOptions().deny(),
            )
        raise ValueError(f"Unknown preset: {preset}")

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self._to_send())

    def __repr__(self) -> str:
        return f"Secure(headers_list={list(self._headers)!r})"

    def _forget(self) -> None:
        self._snapshot = None
        self._snapshot_of = ()
        _edited()

    def _current_snapshot(self, items: tuple[tuple[str, str], ...]) -> Mapping[str, str] | None:
        """The validated headers, if the builders still say what they said then."""
        if self._snapshot is not None and items != self._snapshot_of:
            self._forget()
        return self._snapshot

    def _to_send(self) -> tuple[tuple[str, str], ...]:
        items = self.header_items()
        snapshot = self._current_snapshot(items)
        return items if snapshot is None else tuple(snapshot.items())

    def _outgoing(self) -> tuple[list[tuple[str, str]], bool]:
        """What a middleware sends, and whether it stays until a builder of this package changes."""
        stays = all(type(header) in _BUILDERS for header in self._headers)
        return list(self._to_send()), stays

    def allowlist_headers(
        self,
        *,
        allowed: Iterable[str] = DEFAULT_ALLOWED_HEADERS,
        allow_extra: Iterable[str] | None = None,
        on_unexpected: Literal["raise", "drop", "warn"] = "raise",
        allow_x_prefixed: bool = False,
        logger: logging.Logger | None = None,
    ) -> Secure:
        """Leaves headers of allowed names, in any case.

        A name that is not allowed raises `ValueError` with all such names, or its headers are left out (`"drop"`) or
        kept (`"warn"`), with a warning in the log.
        """
        names = [*allowed, *(allow_extra or [])]
        _, notices = _allowlist(list(self.header_items()), names, on_unexpected, allow_x_prefixed)
        _tell(notices, logger)
        dropped = {name for name, _ in notices} if on_unexpected == "drop" else set()
        self.headers_list = [header for header in self._headers if header.header_name not in dropped]
        return self

    def deduplicate_headers(
        self,
        *,
        action: Literal["raise", "first", "last", "concat"] = "raise",
        comma_join_ok: frozenset[str] = COMMA_JOIN_OK,
        multi_ok: frozenset[str] = MULTI_OK,
        logger: logging.Logger | None = None,
    ) -> Secure:
        """Leaves each name once, in the place where it comes first; the headers become `CustomHeader`s.

        `"first"` and `"last"` choose a value, `"concat"` joins the values of names in `comma_join_ok` with `, `. Names
        in `multi_ok` keep all their values. Raises `ValueError` for repeated names that are left.
        """
        kept, notices = _deduplicate(list(self.header_items()), action, list(comma_join_ok), list(multi_ok))
        _tell(notices, logger)
        self.headers_list = kept
        return self

    def validate_and_normalize_headers(
        self,
        *,
        on_invalid: Literal["drop", "warn", "raise"] = "drop",
        strict: bool = False,
        allow_obs_text: bool = False,
        logger: logging.Logger | None = None,
    ) -> Secure:
        """Checks names and values, and keeps the result: `headers`, `set_headers` and the middlewares use it.

        Header by header: a name that is no token, an empty value or one that begins with white space is invalid.
        Control characters and those beyond ASCII (beyond U+00FF with `allow_obs_text`) become spaces. Raises
        `ValueError` for an invalid header with `on_invalid="raise"`, for such a character with `strict`, and for a
        repeated name. An empty Server, which means that none is sent, is not invalid.

        Changing a builder or the list drops the result.
        """
        items = self.header_items()
        checkable = [(name, value) for name, value in items if not _removes(name, value)]
        kept, notices = _validate(checkable, on_invalid, strict, allow_obs_text)
        _tell(notices, logger)
        self._snapshot = MappingProxyType(dict(kept))
        self._snapshot_of = items
        _edited()
        return self

    def header_items(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the builders, in order, as they are: repeated names too, nothing validated."""
        return tuple((header.header_name, header.header_value) for header in self._headers)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers as a mapping that cannot be changed. Raises `ValueError` for a repeated name."""
        items = self.header_items()
        snapshot = self._current_snapshot(items)
        if snapshot is not None:
            return snapshot
        seen: set[str] = set()
        for name, _ in items:
            if name.lower() in seen:
                raise ValueError(f"{name} is there more than once: header_items() has all of them")
            seen.add(name.lower())
        return MappingProxyType(dict(items))

    def set_headers(self, response: object) -> None:
        """Sets the headers on a response: `response.set_header`, `response.headers.set` or `response.headers[name]`.

        Raises `AttributeError` if there is none of them, `RuntimeError` if it is asynchronous, `HeaderSetError` if it
        refuses a header.
        """
        setter = _Setter(response)
        if inspect.iscoroutinefunction(setter.put):
            raise RuntimeError("the response sets headers asynchronously: await set_headers_async(response)")
        for name, value in self._to_send():
            done = setter.apply(name, value)
            if inspect.isawaitable(done):
                if inspect.iscoroutine(done):
                    done.close()
                raise RuntimeError("the response sets headers asynchronously: await set_headers_async(response)")

    async def set_headers_async(self, response: object) -> None:
        """As `set_headers`, and awaits what is awaitable."""
        setter = _Setter(response)
        for name, value in self._to_send():
            done = setter.apply(name, value)
            if inspect.isawaitable(done):
                try:
                    await done
                except (TypeError, ValueError, AttributeError) as error:
                    raise HeaderSetError(f"{name} could not be set: {error}") from error


class _Setter:
    """How a response takes headers."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.headers: Any = None
        self.put: Any
        if hasattr(response, "set_header"):
            self.put = response.set_header
            return
        if not hasattr(response, "headers"):
            raise AttributeError("the response has neither set_header nor headers")
        self.headers = response.headers
        if hasattr(self.headers, "set"):
            self.put = self.headers.set
        elif hasattr(self.headers, "__setitem__"):
            self.put = self.headers.__setitem__
        else:
            raise AttributeError("the headers of the response cannot be set")

    def apply(self, name: str, value: str) -> object:
        try:
            if _removes(name, value):
                return self._remove(name)
            return self.put(name, value)
        except (TypeError, ValueError, AttributeError) as error:
            raise HeaderSetError(f"{name} could not be set: {error}") from error

    def _remove(self, name: str) -> object:
        if isinstance(self.headers, dict):
            for each in [key for key in self.headers if isinstance(key, str) and key.lower() == name.lower()]:
                del self.headers[each]
        elif self.headers is not None:
            with contextlib.suppress(AttributeError, KeyError, TypeError):
                del self.headers[name]
        else:
            for method in ("clear_header", "delete_header", "remove_header"):
                remove = getattr(self.response, method, None)
                if callable(remove):
                    return remove(name)
        return None


def _removes(name: str, value: object) -> bool:
    """Whether the header says that none of its name is sent: an empty Server is not valid (RFC 9110 section 10.2.4)."""
    return name.lower() == "server" and isinstance(value, str) and not value.strip()


def _tell(notices: list[tuple[str, str]], logger: logging.Logger | None) -> None:
    log = logger or logging.getLogger("mantlet.secure")
    for name, message in notices:
        log.warning("%s: %s", name, message)


def _outgoing(secure: Any) -> tuple[list[tuple[str, str]], bool]:
    """What a middleware sends for an object that is a `Secure`, derives from it or only has `headers`."""
    if type(secure) is Secure:
        return secure._outgoing()
    return list(secure.headers.items()), False


def _balanced_csp() -> ContentSecurityPolicy:
    return (
        ContentSecurityPolicy()
        .default_src("'self'")
        .base_uri("'self'")
        .font_src("'self'", "https:", "data:")
        .form_action("'self'")
        .frame_ancestors("'self'")
        .img_src("'self'", "data:")
        .object_src("'none'")
        .script_src("'self'")
        .script_src_attr("'none'")
        .style_src("'self'", "https:", "'unsafe-inline'")
        .upgrade_insecure_requests()
    )
