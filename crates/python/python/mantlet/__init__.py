"""One security policy for web applications: headers, cross-origin protection, hosts."""

from mantlet._mantlet import __version__

__all__ = ["__version__"]
