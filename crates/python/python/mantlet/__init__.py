"""One security policy for web applications: headers, cross-origin protection, hosts."""

from mantlet._mantlet import Denial, Exchange, Permit, Policy, PolicyError, PolicyWarning, __version__
from mantlet._preset import Preset

__all__ = [
    "Denial",
    "Exchange",
    "Permit",
    "Policy",
    "PolicyError",
    "PolicyWarning",
    "Preset",
    "__version__",
]
