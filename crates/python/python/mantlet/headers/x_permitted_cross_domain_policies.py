"""X-Permitted-Cross-Domain-Policies: which policy files Flash and PDF clients may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from mantlet.headers._single import SingleValue
from mantlet.headers.base_header import HeaderDefaultValue, HeaderName

PermittedCrossDomainPolicy = Literal[
    "none", "master-only", "by-content-type", "by-ftp-filename", "all", "none-this-response"
]


@dataclass(repr=False)
class XPermittedCrossDomainPolicies(SingleValue):
    """X-Permitted-Cross-Domain-Policies; `none` by default."""

    _default: ClassVar[str] = HeaderDefaultValue.X_PERMITTED_CROSS_DOMAIN_POLICIES.value
    header_name: str = field(init=False, default=HeaderName.X_PERMITTED_CROSS_DOMAIN_POLICIES.value)
    _value: str = HeaderDefaultValue.X_PERMITTED_CROSS_DOMAIN_POLICIES.value

    def custom(self, value: str) -> XPermittedCrossDomainPolicies:
        """As `value`."""
        return self._put(value)

    def policy(self, policy: PermittedCrossDomainPolicy) -> XPermittedCrossDomainPolicies:
        """Puts one of the known values in place. Raises `ValueError` for another one."""
        if policy not in get_args(PermittedCrossDomainPolicy):
            known = ", ".join(get_args(PermittedCrossDomainPolicy))
            raise ValueError(f"{self.header_name}: {policy!r} is not one of {known}")
        return self._put(policy)

    def none(self) -> XPermittedCrossDomainPolicies:
        """No policy file."""
        return self._put("none")

    def master_only(self) -> XPermittedCrossDomainPolicies:
        """The master policy file."""
        return self._put("master-only")

    def by_content_type(self) -> XPermittedCrossDomainPolicies:
        """Files of the type `text/x-cross-domain-policy`."""
        return self._put("by-content-type")

    def by_ftp_filename(self) -> XPermittedCrossDomainPolicies:
        """Files named `crossdomain.xml`, over FTP."""
        return self._put("by-ftp-filename")

    def all(self) -> XPermittedCrossDomainPolicies:
        """Every policy file."""
        return self._put("all")

    def none_this_response(self) -> XPermittedCrossDomainPolicies:
        """Not this response."""
        return self._put("none-this-response")
