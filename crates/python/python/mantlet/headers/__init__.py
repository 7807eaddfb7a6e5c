"""Builders of security headers, with the names, defaults and order of the package `secure`."""

from mantlet.headers._checks import IgnoredByBrowsers
from mantlet.headers.base_header import BaseHeader
from mantlet.headers.cache_control import CacheControl
from mantlet.headers.content_security_policy import ContentSecurityPolicy
from mantlet.headers.cross_origin_embedder_policy import CrossOriginEmbedderPolicy
from mantlet.headers.cross_origin_opener_policy import CrossOriginOpenerPolicy
from mantlet.headers.cross_origin_resource_policy import CrossOriginResourcePolicy
from mantlet.headers.custom_header import CustomHeader
from mantlet.headers.permissions_policy import PermissionsPolicy
from mantlet.headers.referrer_policy import ReferrerPolicy
from mantlet.headers.server import Server
from mantlet.headers.strict_transport_security import StrictTransportSecurity
from mantlet.headers.x_content_type_options import XContentTypeOptions
from mantlet.headers.x_dns_prefetch_control import XDnsPrefetchControl
from mantlet.headers.x_frame_options import XFrameOptions
from mantlet.headers.x_permitted_cross_domain_policies import XPermittedCrossDomainPolicies

__all__ = [
    "BaseHeader",
    "CacheControl",
    "ContentSecurityPolicy",
    "CrossOriginEmbedderPolicy",
    "CrossOriginOpenerPolicy",
    "CrossOriginResourcePolicy",
    "CustomHeader",
    "IgnoredByBrowsers",
    "PermissionsPolicy",
    "ReferrerPolicy",
    "Server",
    "StrictTransportSecurity",
    "XContentTypeOptions",
    "XDnsPrefetchControl",
    "XFrameOptions",
    "XPermittedCrossDomainPolicies",
]
