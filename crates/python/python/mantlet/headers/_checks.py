"""What the builders share: checks of values, and warnings for what a browser ignores."""

from __future__ import annotations

import sys
import warnings

from mantlet._mantlet import _ignored_by_browsers


class IgnoredByBrowsers(UserWarning):
    """A header value of which a browser ignores or misreads a part. It is sent all the same."""


def checked(value: str, what: str) -> str:
    """Returns `value` as it can be sent, without white space at its ends.

    Raises `TypeError` if it is no `str`, and `ValueError` if there is a CR or LF in it (it would begin another header)
    or a character beyond U+00FF (it cannot be sent).
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    refuse_breaks(value, what)
    return value.strip()


def refuse_breaks(value: str, what: str) -> None:
    """Raises `ValueError` for a CR or LF, and for a character beyond U+00FF."""
    if "\r" in value or "\n" in value:
        raise ValueError(f"{what}: a line break would begin another header")
    beyond = next((c for c in value if c > "\xff"), None)
    if beyond is not None:
        raise ValueError(f"{what}: {beyond!a} cannot be sent in a header")


def refuse_non_ascii(value: str, what: str) -> None:
    """Raises `ValueError` for a character beyond ASCII: a browser ignores what it stands in."""
    if not value.isascii():
        raise ValueError(f"{what}: {value!a} is not ASCII, a browser would ignore it")


def warn_of_ignored(name: str, value: str, told: set[str]) -> None:
    """Warns of everything in the value that a browser ignores, once for each sentence in `told`.

    An empty value is not looked at. The warning points at the code that called into this package.
    """
    if not value:
        return
    for message in _ignored_by_browsers(name, value):
        if message not in told:
            told.add(message)
            warnings.warn(f"{name}: {message}", IgnoredByBrowsers, stacklevel=_depth())


def _depth() -> int:
    depth = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "mantlet":
        frame = frame.f_back
        depth += 1
    return depth - 1
