"""Cross-origin isolation with the names and defaults of asgi-cross-origin-protection.

from mantlet.isolation import CrossOriginIsolation

app = CrossOriginIsolation(app)
"""

from mantlet._mantlet import CrossOriginIsolation

__all__ = ["CrossOriginIsolation"]
