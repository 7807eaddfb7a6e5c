"""X-Frame-Options: which pages may frame the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class XFrameOptions(SingleValue):
    """X-Frame-Options; `SAMEORIGIN` by default."""

    _default: ClassVar[str] = HeaderDefaultValue.X_FRAME_OPTIONS.value
    header_name: str = field(init=False, default=HeaderName.X_FRAME_OPTIONS.value)
    _value: str = HeaderDefaultValue.X_FRAME_OPTIONS.value

    def custom(self, value: str) -> XFrameOptions:
        """As `value`."""
        return self._put(value)

    def deny(self) -> XFrameOptions:
        """No page."""
        return self._put("DENY")

    def sameorigin(self) -> XFrameOptions:
        """Pages of the same origin."""
        return self._put("SAMEORIGIN")

    def allow_from(self, origin: str) -> XFrameOptions:
        """`ALLOW-FROM` and an origin, which every browser ignores: use `frame_ancestors` of the CSP."""
        return self._put(f"ALLOW-FROM {origin.strip()}")
