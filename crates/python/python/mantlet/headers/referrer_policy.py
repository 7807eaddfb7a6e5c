"""Referrer-Policy: how much of its address a page tells others."""

from __future__ import annotations

from dataclasses import dataclass, field

from mantlet.headers._checks import checked
from mantlet.headers.base_header import BaseHeader, HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class ReferrerPolicy(BaseHeader):
    """Referrer-Policy; `strict-origin-when-cross-origin` while nothing is told.

    `set`, `add` and the methods named after policies append, and a browser takes the last policy that it knows.
    `value`, `custom` and `fallback` put new ones in place. Tokens are sent in lower case, each once.
    """

    header_name: str = field(init=False, default=HeaderName.REFERRER_POLICY.value)
    _policies: list[str] = field(init=False, default_factory=list)

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        return ", ".join(self._policies) or HeaderDefaultValue.REFERRER_POLICY.value

    def _tokens(self, value: str) -> list[str]:
        tokens = [token.strip() for token in checked(value, self.header_name).split(",")]
        for token in tokens:
            if any(c.isspace() for c in token):
                raise ValueError(f"{self.header_name}: white space in {token!r}")
        return [token.lower() for token in tokens if token]

    def _replace(self, *values: str) -> ReferrerPolicy:
        tokens = [token for value in values for token in self._tokens(value)]
        self._policies = list(dict.fromkeys(tokens))
        self._changed()
        return self

    def add(self, value: str) -> ReferrerPolicy:
        """Appends one or more policies, separated by commas. Raises `ValueError` for white space inside one."""
        tokens = self._policies + self._tokens(value)
        self._policies = list(dict.fromkeys(tokens))
        self._changed()
        return self

    def set(self, value: str) -> ReferrerPolicy:
        """As `add`: it appends."""
        return self.add(value)

    def value(self, value: str) -> ReferrerPolicy:
        """Puts one or more policies, separated by commas, in place of all."""
        return self._replace(value)

    def custom(self, value: str) -> ReferrerPolicy:
        """As `value`."""
        return self._replace(value)

    def fallback(self, *policies: str) -> ReferrerPolicy:
        """Puts policies in place of all: the last one that a browser knows counts."""
        return self._replace(*policies)

    def clear(self) -> ReferrerPolicy:
        """Brings the default value back."""
        return self._replace()

    def no_referrer(self) -> ReferrerPolicy:
        """Tells nothing."""
        return self.add("no-referrer")

    def no_referrer_when_downgrade(self) -> ReferrerPolicy:
        """Tells everything, but nothing from https to http."""
        return self.add("no-referrer-when-downgrade")

    def origin(self) -> ReferrerPolicy:
        """Tells the origin."""
        return self.add("origin")

    def origin_when_cross_origin(self) -> ReferrerPolicy:
        """Tells other origins the origin."""
        return self.add("origin-when-cross-origin")

    def same_origin(self) -> ReferrerPolicy:
        """Tells other origins nothing."""
        return self.add("same-origin")

    def strict_origin(self) -> ReferrerPolicy:
        """Tells the origin, but nothing from https to http."""
        return self.add("strict-origin")

    def strict_origin_when_cross_origin(self) -> ReferrerPolicy:
        """Tells other origins the origin, but nothing from https to http."""
        return self.add("strict-origin-when-cross-origin")

    def unsafe_url(self) -> ReferrerPolicy:
        """Tells everything to everyone."""
        return self.add("unsafe-url")
