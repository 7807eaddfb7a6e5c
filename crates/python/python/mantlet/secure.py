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
    _edits,
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
        # with the number of edits that they are of
        self._pairs: tuple[int, tuple[tuple[str, str], ...]] | None = None
        self._mapping: tuple[int, Mapping[str, str]] | None = None
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

    def _stays(self) -> bool:
        """Whether what the headers say stays until a builder of this package changes."""
        return type(self) is Secure and all(type(header) in _BUILDERS for header in self._headers)

    def _to_send(self) -> tuple[tuple[str, str], ...]:
        edits = _edits()
        if self._pairs is not None and self._pairs[0] == edits:
            return self._pairs[1]
        items = self.header_items()
        snapshot = self._current_snapshot(items)
        pairs = items if snapshot is None else tuple(snapshot.items())
        self._pairs = (edits, pairs) if self._stays() else None
        return pairs

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
        edits = _edits()
        if self._mapping is not None and self._mapping[0] == edits:
            return self._mapping[1]
        items = self.header_items()
        mapping = self._current_snapshot(items)
        if mapping is None:
            seen: set[str] = set()
            for name, _ in items:
                if name.lower() in seen:
                    raise ValueError(f"{name} is there more than once: header_items() has all of them")
                seen.add(name.lower())
            mapping = MappingProxyType(dict(items))
        self._mapping = (edits, mapping) if self._stays() else None
        return mapping

    def set_headers(self, response: object) -> None:
        """Sets the headers on a response: `response.set_header`, `response.headers.set` or `response.headers[name]`.

        Raises `AttributeError` if there is none of them, `RuntimeError` if it is asynchronous, `HeaderSetError` if it
        refuses a header.
        """
        put, remove = _setters(response)
        if inspect.iscoroutinefunction(put):
            raise RuntimeError(_ASYNCHRONOUS)
        pairs, name = self._to_send(), ""
        try:
            for name, value in pairs:
                done = remove(name) if _removes(name, value) else put(name, value)
                if done is not None and inspect.isawaitable(done):
                    if inspect.iscoroutine(done):
                        done.close()
                    raise RuntimeError(_ASYNCHRONOUS)
        except (TypeError, ValueError, AttributeError) as error:
            raise HeaderSetError(f"{name} could not be set: {error}") from error

    async def set_headers_async(self, response: object) -> None:
        """As `set_headers`, and awaits what is awaitable."""
        put, remove = _setters(response)
        pairs, name = self._to_send(), ""
        try:
            for name, value in pairs:
                done = remove(name) if _removes(name, value) else put(name, value)
                if done is not None and inspect.isawaitable(done):
                    await done
        except (TypeError, ValueError, AttributeError) as error:
            raise HeaderSetError(f"{name} could not be set: {error}") from error


_ASYNCHRONOUS = "the response sets headers asynchronously: await set_headers_async(response)"


def _setters(response: Any) -> tuple[Callable[[str, str], Any], Callable[[str], Any]]:
    """How a response takes a header, and how it gives one up. Raises `AttributeError` if it takes none."""
    if hasattr(response, "set_header"):
        return response.set_header, lambda name: _unset(response, name)
    if not hasattr(response, "headers"):
        raise AttributeError("the response has neither set_header nor headers")
    headers = response.headers
    if hasattr(headers, "set"):
        return headers.set, lambda name: _delete(headers, name)
    if hasattr(headers, "__setitem__"):
        return headers.__setitem__, lambda name: _delete(headers, name)
    raise AttributeError("the headers of the response cannot be set")


def _unset(response: Any, name: str) -> Any:
    for method in ("clear_header", "delete_header", "remove_header"):
        remove = getattr(response, method, None)
        if callable(remove):
            return remove(name)
    return None


def _delete(headers: Any, name: str) -> None:
    if isinstance(headers, dict):
        for each in [key for key in headers if isinstance(key, str) and key.lower() == name.lower()]:
            del headers[each]
    else:
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            del headers[name]


def _removes(name: str, value: str) -> bool:
    """Whether the header says that none of its name is sent: an empty Server is not valid (RFC 9110 section 10.2.4)."""
    return (not value or value.isspace()) and name.lower() == "server"


def _tell(notices: list[tuple[str, str]], logger: logging.Logger | None) -> None:
    log = logger or logging.getLogger("mantlet.secure")
    for name, message in notices:
        log.warning("%s: %s", name, message)


def _outgoing(secure: Any) -> tuple[list[tuple[str, str]], bool]:
    """What a middleware sends for an object that is a `Secure`, derives from it or only has `headers`."""
    if type(secure) is Secure:
        return list(secure._to_send()), secure._stays()
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
