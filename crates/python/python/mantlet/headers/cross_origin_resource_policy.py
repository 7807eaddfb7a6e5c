"""Cross-Origin-Resource-Policy: which sites may load the resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._checks import checked
from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class CrossOriginResourcePolicy(SingleValue):
    """Cross-Origin-Resource-Policy; `same-origin` by default."""

    _default: ClassVar[str] = HeaderDefaultValue.CROSS_ORIGIN_RESOURCE_POLICY.value
    header_name: str = field(init=False, default=HeaderName.CROSS_ORIGIN_RESOURCE_POLICY.value)
    _value: str = HeaderDefaultValue.CROSS_ORIGIN_RESOURCE_POLICY.value

    def _read(self, value: str) -> str:
        text = checked(str(value), self.header_name)
        return text.lower() if text.lower() in ("same-origin", "same-site", "cross-origin") else text

    def same_origin(self) -> CrossOriginResourcePolicy:
        """The same origin only."""
        return self._put("same-origin")

    def same_site(self) -> CrossOriginResourcePolicy:
        """The same site only."""
        return self._put("same-site")

    def cross_origin(self) -> CrossOriginResourcePolicy:
        """Every site."""
        return self._put("cross-origin")
