"""One security policy for web applications: headers, cross-origin protection, hosts, rate limits."""

from mantlet._audit import SentHeaders, audit, check
from mantlet._limit import RateLimitConfig
from mantlet._mantlet import (
    Audit,
    Denial,
    Exchange,
    Finding,
    Grade,
    ObservatoryTest,
    Permit,
    Policy,
    PolicyError,
    PolicyWarning,
    __version__,
)
from mantlet._middleware import Mantlet
from mantlet._preset import Preset
from mantlet.cross_origin import CrossOriginProtection, InvalidExemptPathError, InvalidTrustedOriginError
from mantlet.headers import (
    CacheControl,
    ContentSecurityPolicy,
    CrossOriginEmbedderPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    CustomHeader,
    PermissionsPolicy,
    ReferrerPolicy,
    Server,
    StrictTransportSecurity,
    XContentTypeOptions,
    XDnsPrefetchControl,
    XFrameOptions,
    XPermittedCrossDomainPolicies,
)
from mantlet.isolation import CrossOriginIsolation
from mantlet.secure import COMMA_JOIN_OK, DEFAULT_ALLOWED_HEADERS, MULTI_OK, Secure

__all__ = [
    "COMMA_JOIN_OK",
    "DEFAULT_ALLOWED_HEADERS",
    "MULTI_OK",
    "Audit",
    "CacheControl",
    "ContentSecurityPolicy",
    "CrossOriginEmbedderPolicy",
    "CrossOriginIsolation",
    "CrossOriginOpenerPolicy",
    "CrossOriginProtection",
    "CrossOriginResourcePolicy",
    "CustomHeader",
    "Denial",
    "Exchange",
    "Finding",
    "Grade",
    "InvalidExemptPathError",
    "InvalidTrustedOriginError",
    "Mantlet",
    "ObservatoryTest",
    "PermissionsPolicy",
    "Permit",
    "Policy",
    "PolicyError",
    "PolicyWarning",
    "Preset",
    "RateLimitConfig",
    "ReferrerPolicy",
    "Secure",
    "SentHeaders",
    "Server",
    "StrictTransportSecurity",
    "XContentTypeOptions",
    "XDnsPrefetchControl",
    "XFrameOptions",
    "XPermittedCrossDomainPolicies",
    "__version__",
    "audit",
    "check",
]
