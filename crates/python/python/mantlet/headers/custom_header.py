"""A header of any name."""

from __future__ import annotations

from dataclasses import dataclass, field

from mantlet.headers._checks import checked, refuse_breaks
from mantlet.headers.base_header import BaseHeader


@dataclass(repr=False, init=False)
class CustomHeader(BaseHeader):
    """A header of any name and value.

    Raises `ValueError` for a CR or LF in either, and for a value that cannot be sent (beyond U+00FF); `TypeError` for
    what is no `str`. A value keeps the white space it is made with; `set` takes it away.
    """

    header_name: str
    _value: str = field(default="")

    def __init__(self, header: str, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"the value of a header is a str, not {type(value).__name__}")
        self.header_name = checked(header, "the name of a header")
        refuse_breaks(value, self.header_name)
        self._value = value
        self._changed()

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        return self._value

    def set(self, value: str) -> CustomHeader:
        """Puts a value in place, without white space at its ends."""
        self._value = checked(value, self.header_name)
        self._changed()
        return self

    def value(self, value: str) -> CustomHeader:
        """As `set`."""
        return self.set(value)
