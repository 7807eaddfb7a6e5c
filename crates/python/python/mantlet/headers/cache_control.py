"""Cache-Control: who may keep a response, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._checks import checked
from mantlet.headers.base_header import BaseHeader, HeaderDefaultValue, HeaderName

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(repr=False)
class CacheControl(BaseHeader):
    """Cache-Control; `no-store, max-age=0` while nothing is told.

    Directives are sent in one order whatever the order of the calls; those of `custom` come last, sorted, and give way
    to a method of the same name. Ages are whole seconds of 0 or more: `TypeError` for what is no `int`, `ValueError`
    for a negative one.
    """

    _ORDER: ClassVar[tuple[str, ...]] = (
        "no-store",
        "no-cache",
        "private",
        "public",
        "max-age",
        "s-maxage",
        "max-stale",
        "min-fresh",
        "must-revalidate",
        "proxy-revalidate",
        "must-understand",
        "no-transform",
        "immutable",
        "stale-while-revalidate",
        "stale-if-error",
        "only-if-cached",
    )

    header_name: str = field(init=False, default=HeaderName.CACHE_CONTROL.value)
    _directives: dict[str, str | None] = field(init=False, default_factory=dict)
    _customs: list[str] = field(init=False, default_factory=list)
    _raw: str | None = field(init=False, default=None)

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        if self._raw is not None:
            return self._raw
        given = self._directives
        parts = [name if given[name] is None else f"{name}={given[name]}" for name in self._ORDER if name in given]
        parts += sorted(custom for custom in self._customs if custom.partition("=")[0] not in given)
        return ", ".join(parts) or HeaderDefaultValue.CACHE_CONTROL.value

    def _put(self, name: str, argument: str | None = None) -> CacheControl:
        self._leave_raw()
        self._directives[name] = argument
        self._changed()
        return self

    def _leave_raw(self) -> None:
        if self._raw is not None:
            self._raw, self._directives, self._customs = None, {}, []

    def _seconds(self, name: str, seconds: int) -> CacheControl:
        if isinstance(seconds, bool) or not isinstance(seconds, int):
            raise TypeError(f"{name} takes whole seconds, not {type(seconds).__name__}")
        if seconds < 0:
            raise ValueError(f"{name} takes 0 seconds or more, not {seconds}")
        return self._put(name, str(seconds))

    def value(self, value: str) -> CacheControl:
        """Puts a whole value in place of all directives. Raises `ValueError` if it is empty or has a CR or LF."""
        text = checked(value, self.header_name)
        if not text:
            raise ValueError(f"{self.header_name}: the value is empty")
        self._raw, self._directives, self._customs = text, {}, []
        self._changed()
        return self

    def set(self, value: str) -> CacheControl:
        """As `value`."""
        return self.value(value)

    def clear(self) -> CacheControl:
        """Brings the default value back."""
        self._raw, self._directives, self._customs = None, {}, []
        self._changed()
        return self

    def custom(self, directive: str) -> CacheControl:
        """Adds `name` or `name=argument`. Raises `ValueError` for a name that is no token, for a comma, CR or LF."""
        text = directive.strip()
        if any(c in text for c in ",\r\n"):
            raise ValueError(f"{self.header_name}: a comma or a line break in {text!r}")
        name, equals, argument = text.partition("=")
        name = name.strip().lower()
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{self.header_name}: {name!r} is not the name of a directive")
        checked(argument, self.header_name)
        custom = f"{name}={argument.strip()}" if equals else name
        self._leave_raw()
        if custom not in self._customs:
            self._customs.append(custom)
        self._changed()
        return self

    def immutable(self) -> CacheControl:
        """The response does not change while it is fresh."""
        return self._put("immutable")

    def max_age(self, seconds: int) -> CacheControl:
        """The response is fresh for `seconds`."""
        return self._seconds("max-age", seconds)

    def max_stale(self, seconds: int | None = None) -> CacheControl:
        """A directive of requests: accepts a stale response, of at most `seconds`."""
        return self._put("max-stale") if seconds is None else self._seconds("max-stale", seconds)

    def min_fresh(self, seconds: int) -> CacheControl:
        """A directive of requests: wants a response that stays fresh for `seconds`."""
        return self._seconds("min-fresh", seconds)

    def must_revalidate(self) -> CacheControl:
        """A stale response is not used without asking."""
        return self._put("must-revalidate")

    def must_understand(self) -> CacheControl:
        """Kept only by a cache that knows the status."""
        return self._put("must-understand")

    def no_cache(self) -> CacheControl:
        """Not used without asking."""
        return self._put("no-cache")

    def no_store(self) -> CacheControl:
        """Not kept."""
        return self._put("no-store")

    def no_transform(self) -> CacheControl:
        """Not altered on the way."""
        return self._put("no-transform")

    def only_if_cached(self) -> CacheControl:
        """A directive of requests: only from the cache."""
        return self._put("only-if-cached")

    def private(self) -> CacheControl:
        """Kept by the browser only."""
        return self._put("private")

    def proxy_revalidate(self) -> CacheControl:
        """As `must_revalidate`, for shared caches."""
        return self._put("proxy-revalidate")

    def public(self) -> CacheControl:
        """Kept by shared caches too."""
        return self._put("public")

    def s_maxage(self, seconds: int) -> CacheControl:
        """As `max_age`, for shared caches."""
        return self._seconds("s-maxage", seconds)

    def s_max_age(self, seconds: int) -> CacheControl:
        """As `s_maxage`."""
        return self.s_maxage(seconds)

    def stale_if_error(self, seconds: int) -> CacheControl:
        """For `seconds` a stale response may stand in for an error."""
        return self._seconds("stale-if-error", seconds)

    def stale_while_revalidate(self, seconds: int) -> CacheControl:
        """For `seconds` a stale response may be used while the cache asks."""
        return self._seconds("stale-while-revalidate", seconds)
