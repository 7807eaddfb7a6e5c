"""Strict-Transport-Security: the browser comes back over https only."""

from __future__ import annotations

from dataclasses import dataclass, field

from mantlet.headers._checks import checked
from mantlet.headers.base_header import BaseHeader, HeaderName

_YEAR = 31_536_000


@dataclass(repr=False)
class StrictTransportSecurity(BaseHeader):
    """Strict-Transport-Security; `max-age=31536000` while nothing is told.

    Preloading asks for subdomains and for a `max-age` of a year or more: otherwise `preload` and `max_age`
    raise `ValueError`.
    """

    header_name: str = field(init=False, default=HeaderName.STRICT_TRANSPORT_SECURITY.value)
    _max_age: int | None = None
    _include_subdomains: bool = False
    _preload: bool = False
    _raw: str | None = field(init=False, default=None)

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        if self._raw is not None:
            return self._raw
        age = _YEAR if self._max_age is None else self._max_age
        if self._preload:
            self._refuse_short(age)
        parts = [f"max-age={age}"]
        if self._include_subdomains or self._preload:
            parts.append("includeSubDomains")
        if self._preload:
            parts.append("preload")
        return "; ".join(parts)

    def _refuse_short(self, age: int) -> None:
        if age < _YEAR:
            raise ValueError(f"{self.header_name}: preload takes a max-age of at least {_YEAR} seconds, not {age}")

    def value(self, value: str) -> StrictTransportSecurity:
        """Puts a whole value in place of everything. Raises `ValueError` for a CR or LF in it."""
        raw = checked(value, self.header_name)
        self._max_age, self._include_subdomains, self._preload = None, False, False
        self._raw = raw
        self._changed()
        return self

    def set(self, value: str) -> StrictTransportSecurity:
        """As `value`."""
        return self.value(value)

    def clear(self) -> StrictTransportSecurity:
        """Brings the default value back."""
        self._raw, self._max_age, self._include_subdomains, self._preload = None, None, False, False
        self._changed()
        return self

    def max_age(self, seconds: int) -> StrictTransportSecurity:
        """How long a browser remembers, in seconds of 0 or more; 0 makes it forget."""
        if seconds < 0:
            raise ValueError(f"{self.header_name}: max-age takes 0 seconds or more, not {seconds}")
        age = int(seconds)
        if self._preload:
            self._refuse_short(age)
        self._raw, self._max_age = None, age
        self._changed()
        return self

    def include_subdomains(self) -> StrictTransportSecurity:
        """Subdomains too."""
        self._raw, self._include_subdomains = None, True
        self._changed()
        return self

    def preload(self) -> StrictTransportSecurity:
        """Consents to the list that browsers ship; subdomains too."""
        if self._max_age is not None:
            self._refuse_short(self._max_age)
        self._raw, self._include_subdomains, self._preload = None, True, True
        self._changed()
        return self
