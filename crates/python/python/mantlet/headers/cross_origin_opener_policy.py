"""Cross-Origin-Opener-Policy: which windows keep a handle to the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class CrossOriginOpenerPolicy(SingleValue):
    """Cross-Origin-Opener-Policy; `same-origin` by default. A browser takes an unknown word for `unsafe-none`."""

    _default: ClassVar[str] = HeaderDefaultValue.CROSS_ORIGIN_OPENER_POLICY.value
    header_name: str = field(init=False, default=HeaderName.CROSS_ORIGIN_OPENER_POLICY.value)
    _value: str = HeaderDefaultValue.CROSS_ORIGIN_OPENER_POLICY.value

    def value(self, directive: str) -> CrossOriginOpenerPolicy:
        """Puts a value in place. Raises `ValueError` for a CR or LF in it."""
        return self._put(directive)

    def custom(self, directive: str) -> CrossOriginOpenerPolicy:
        """As `value`."""
        return self._put(directive)

    def unsafe_none(self) -> CrossOriginOpenerPolicy:
        """Every opener keeps its handle."""
        return self._put("unsafe-none")

    def same_origin_allow_popups(self) -> CrossOriginOpenerPolicy:
        """Only the page's own pop-ups keep a handle."""
        return self._put("same-origin-allow-popups")

    def same_origin(self) -> CrossOriginOpenerPolicy:
        """Only windows of the same origin keep a handle."""
        return self._put("same-origin")

    def noopener_allow_popups(self) -> CrossOriginOpenerPolicy:
        """No opener keeps a handle, pop-ups do."""
        return self._put("noopener-allow-popups")
