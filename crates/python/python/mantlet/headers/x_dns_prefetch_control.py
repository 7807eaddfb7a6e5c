"""X-DNS-Prefetch-Control: whether links are looked up ahead of a click."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._checks import checked
from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class XDnsPrefetchControl(SingleValue):
    """X-DNS-Prefetch-Control; `off` by default."""

    _default: ClassVar[str] = HeaderDefaultValue.X_DNS_PREFETCH_CONTROL.value
    header_name: str = field(init=False, default=HeaderName.X_DNS_PREFETCH_CONTROL.value)
    _value: str = HeaderDefaultValue.X_DNS_PREFETCH_CONTROL.value

    def _read(self, value: str) -> str:
        text = checked(value, self.header_name)
        return text.lower() if text.lower() in ("on", "off") else text

    def custom(self, value: str) -> XDnsPrefetchControl:
        """As `value`."""
        return self._put(value)

    def on(self) -> XDnsPrefetchControl:
        """Looks links up ahead."""
        return self._put("on")

    def off(self) -> XDnsPrefetchControl:
        """Does not."""
        return self._put("off")

    def allow(self) -> XDnsPrefetchControl:
        """As `on`."""
        return self._put("on")

    def disable(self) -> XDnsPrefetchControl:
        """As `off`."""
        return self._put("off")
