"""Middlewares that put the headers of a `Secure` object into every response."""

from mantlet.middleware.asgi import SecureASGIMiddleware
from mantlet.middleware.wsgi import SecureWSGIMiddleware

__all__ = ["SecureASGIMiddleware", "SecureWSGIMiddleware"]
