"""Cross-Origin-Embedder-Policy: which resources of other origins a page may load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._checks import checked
from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class CrossOriginEmbedderPolicy(SingleValue):
    """Cross-Origin-Embedder-Policy; `require-corp` by default. Values are sent in lower case."""

    _default: ClassVar[str] = HeaderDefaultValue.CROSS_ORIGIN_EMBEDDER_POLICY.value
    header_name: str = field(init=False, default=HeaderName.CROSS_ORIGIN_EMBEDDER_POLICY.value)
    _value: str = HeaderDefaultValue.CROSS_ORIGIN_EMBEDDER_POLICY.value

    def _read(self, value: str) -> str:
        return checked(str(value), self.header_name).lower() or self._default

    def unsafe_none(self) -> CrossOriginEmbedderPolicy:
        """Loads everything."""
        return self._put("unsafe-none")

    def require_corp(self) -> CrossOriginEmbedderPolicy:
        """Loads only what allows it by CORP or CORS."""
        return self._put("require-corp")

    def credentialless(self) -> CrossOriginEmbedderPolicy:
        """Loads the rest without credentials."""
        return self._put("credentialless")
