"""Builders whose state is one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from mantlet.headers._checks import checked
from mantlet.headers.base_header import BaseHeader

Builder = TypeVar("Builder", bound="SingleValue")


@dataclass(repr=False)
class SingleValue(BaseHeader):
    """A header with one value, and the default that `clear` brings back."""

    _default: ClassVar[str]
    _value: str

    def __post_init__(self) -> None:
        self._put(self._value)

    def _put(self: Builder, value: str) -> Builder:
        self._value = self._read(value)
        self._changed()
        return self

    def _read(self, value: str) -> str:
        return checked(value, self.header_name)

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        return self._value

    def value(self: Builder, value: str) -> Builder:
        """Puts a value in place. Raises `ValueError` for a CR or LF in it."""
        return self._put(value)

    def set(self: Builder, value: str) -> Builder:
        """As `value`."""
        return self._put(value)

    def clear(self: Builder) -> Builder:
        """Brings the default value back."""
        return self._put(self._default)
