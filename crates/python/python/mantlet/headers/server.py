"""Server: the name of the server's software."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class Server(SingleValue):
    """Server; empty by default, and an empty one takes the application's away and sends none."""

    _default: ClassVar[str] = HeaderDefaultValue.SERVER.value
    header_name: str = field(init=False, default=HeaderName.SERVER.value)
    _value: str = HeaderDefaultValue.SERVER.value
