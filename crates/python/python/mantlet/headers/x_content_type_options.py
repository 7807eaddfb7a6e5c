"""X-Content-Type-Options: no guessing of media types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class XContentTypeOptions(SingleValue):
    """X-Content-Type-Options; `nosniff` by default."""

    _default: ClassVar[str] = HeaderDefaultValue.X_CONTENT_TYPE_OPTIONS.value
    header_name: str = field(init=False, default=HeaderName.X_CONTENT_TYPE_OPTIONS.value)
    _value: str = HeaderDefaultValue.X_CONTENT_TYPE_OPTIONS.value

    def nosniff(self) -> XContentTypeOptions:
        """The one value there is."""
        return self._put("nosniff")
