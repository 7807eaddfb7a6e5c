"""One security policy for web applications: headers, cross-origin protection, hosts."""

from mantlet._mantlet import __version__
from mantlet.cross_origin import (
    CrossOriginProtection,
    InvalidExemptPathError,
    InvalidTrustedOriginError,
)
from mantlet.isolation import CrossOriginIsolation

__all__ = [
    "CrossOriginIsolation",
    "CrossOriginProtection",
    "InvalidExemptPathError",
    "InvalidTrustedOriginError",
    "__version__",
]
