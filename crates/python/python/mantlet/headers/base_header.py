"""The base of every header builder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mantlet._mantlet import _edited
from mantlet.headers._checks import warn_of_ignored


class HeaderName(Enum):
    """The names of the headers that have a builder."""

    CACHE_CONTROL = "Cache-Control"
    CONTENT_SECURITY_POLICY = "Content-Security-Policy"
    CONTENT_SECURITY_POLICY_REPORT_ONLY = "Content-Security-Policy-Report-Only"
    CROSS_ORIGIN_EMBEDDER_POLICY = "Cross-Origin-Embedder-Policy"
    CROSS_ORIGIN_OPENER_POLICY = "Cross-Origin-Opener-Policy"
    CROSS_ORIGIN_RESOURCE_POLICY = "Cross-Origin-Resource-Policy"
    PERMISSION_POLICY = "Permissions-Policy"
    REFERRER_POLICY = "Referrer-Policy"
    SERVER = "Server"
    STRICT_TRANSPORT_SECURITY = "Strict-Transport-Security"
    X_CONTENT_TYPE_OPTIONS = "X-Content-Type-Options"
    X_DNS_PREFETCH_CONTROL = "X-DNS-Prefetch-Control"
    X_FRAME_OPTIONS = "X-Frame-Options"
    X_PERMITTED_CROSS_DOMAIN_POLICIES = "X-Permitted-Cross-Domain-Policies"


class HeaderDefaultValue(Enum):
    """The values of builders that nothing was told."""

    CACHE_CONTROL = "no-store, max-age=0"
    CONTENT_SECURITY_POLICY = (
        "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'self'; "
        "frame-ancestors 'self'; form-action 'self'"
    )
    CROSS_ORIGIN_EMBEDDER_POLICY = "require-corp"
    CROSS_ORIGIN_OPENER_POLICY = "same-origin"
    CROSS_ORIGIN_RESOURCE_POLICY = "same-origin"
    PERMISSION_POLICY = "geolocation=(), microphone=(), camera=()"
    REFERRER_POLICY = "strict-origin-when-cross-origin"
    SERVER = ""
    STRICT_TRANSPORT_SECURITY = "max-age=31536000"
    X_CONTENT_TYPE_OPTIONS = "nosniff"
    X_DNS_PREFETCH_CONTROL = "off"
    X_FRAME_OPTIONS = "SAMEORIGIN"
    X_PERMITTED_CROSS_DOMAIN_POLICIES = "none"


@dataclass(repr=False)
class BaseHeader:
    """A header: a name and a value.

    A subclass of your own gives `header_value`. The middlewares ask it for each response.
    """

    header_name: str

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        raise NotImplementedError(f"{type(self).__name__} does not define header_value")

    def __repr__(self) -> str:
        try:
            return f"{type(self).__name__}({self.header_name}: {self.header_value})"
        except (NotImplementedError, ValueError):
            return f"{type(self).__name__}({self.header_name})"

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        _edited()

    def _changed(self, part: str | None = None) -> None:
        """Tells the middlewares of a change, and warns of what a browser would ignore in `part`, else in the value."""
        _edited()
        told: set[str] = self.__dict__.setdefault("_told", set())
        warn_of_ignored(self.header_name, self.header_value if part is None else part, told)
