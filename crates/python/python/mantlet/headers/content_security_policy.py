"""Content-Security-Policy: what a page may load, run and be framed by."""

from __future__ import annotations

import html
import re
import warnings
from dataclasses import dataclass, field

from mantlet._mantlet import _csp_meta, _csp_word_problem
from mantlet.headers._checks import IgnoredByBrowsers, checked, refuse_non_ascii
from mantlet.headers.base_header import BaseHeader, HeaderDefaultValue, HeaderName

_NAME = re.compile(r"[A-Za-z0-9-]+")
_NONCE = re.compile(r"[A-Za-z0-9+/_=-]+")


@dataclass(repr=False)
class ContentSecurityPolicy(BaseHeader):
    """Content-Security-Policy; a policy for `'self'` while nothing is told.

    Directives are sent in the order in which they are first named, sources in the order in which they come, each once.
    A method called again appends; one called without sources leaves the directive without a value. Every method raises
    `ValueError` for a source that is empty, is not ASCII, or has white space, a comma, a semicolon or a control
    character in it.
    """

    header_name: str = field(init=False, default=HeaderName.CONTENT_SECURITY_POLICY.value)
    _directives: dict[str, list[str] | None] = field(init=False, default_factory=dict)
    _raw: str | None = field(init=False, default=None)

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        if self._raw is not None:
            return self._raw
        parts = [" ".join([name, *(sources or [])]) for name, sources in self._directives.items()]
        return "; ".join(parts) or HeaderDefaultValue.CONTENT_SECURITY_POLICY.value

    def _put(self, name: str, sources: tuple[str, ...]) -> ContentSecurityPolicy:
        for source in sources:
            problem = _csp_word_problem(source or "")
            if problem is not None:
                raise ValueError(f"{name}: {problem}")
        if self._raw is not None:
            self._raw, self._directives = None, {}
        if sources:
            self._directives[name] = list(dict.fromkeys([*(self._directives.get(name) or []), *sources]))
        else:
            self._directives[name] = None
        # in another case it is the same directive again, which only the whole value shows
        is_repeated = len({other.lower() for other in self._directives}) < len(self._directives)
        self._changed(None if is_repeated else " ".join([name, *(self._directives[name] or [])]))
        return self

    def value(self, value: str) -> ContentSecurityPolicy:
        """Puts a whole policy in place of all directives. Raises `ValueError` for a CR or LF, and beyond ASCII."""
        raw = checked(value, self.header_name)
        refuse_non_ascii(raw, self.header_name)
        self._raw, self._directives = raw, {}
        self._changed()
        return self

    def set(self, value: str) -> ContentSecurityPolicy:
        """As `value`."""
        return self.value(value)

    def clear(self) -> ContentSecurityPolicy:
        """Brings the default policy back; `report_only` stays."""
        self._raw, self._directives = None, {}
        self._changed()
        return self

    def report_only(self) -> ContentSecurityPolicy:
        """Sends Content-Security-Policy-Report-Only: a browser reports and blocks nothing."""
        self.header_name = HeaderName.CONTENT_SECURITY_POLICY_REPORT_ONLY.value
        return self

    def enforce(self) -> ContentSecurityPolicy:
        """Sends Content-Security-Policy."""
        self.header_name = HeaderName.CONTENT_SECURITY_POLICY.value
        return self

    def custom(self, directive: str, *values: str) -> ContentSecurityPolicy:
        """Appends to a directive of any name. Raises `ValueError` for a name of other than letters, digits, hyphens."""
        return self.custom_directive(directive, *values)

    def custom_directive(self, directive: str, *values: str) -> ContentSecurityPolicy:
        """As `custom`."""
        if not directive or not _NAME.fullmatch(directive):
            raise ValueError(f"{directive!r} is not the name of a directive")
        return self._put(directive, values)

    def meta(self) -> str:
        """The policy as `<meta http-equiv="Content-Security-Policy" content="...">`.

        For the `<head>` of a page whose server sends no header, before everything that it is to govern: a browser
        ignores it in the body. Directives that browsers ignore there (`frame-ancestors`, `sandbox`, `report-uri`,
        `report-to`) are left out, with a warning. Raises `ValueError` for a policy that only reports, which no element
        can say, and where nothing is left.
        """
        if self.header_name != HeaderName.CONTENT_SECURITY_POLICY.value:
            raise ValueError("a meta element enforces a policy; one that only reports needs the header")
        value, left_out = _csp_meta(self.header_value)
        for name in left_out:
            warnings.warn(f"{name} does nothing in a meta element and is left out", IgnoredByBrowsers, stacklevel=2)
        if not value:
            raise ValueError("nothing of the policy works in a meta element")
        return f'<meta http-equiv="Content-Security-Policy" content="{html.escape(value)}">'

    @staticmethod
    def keyword(name: str) -> str:
        """The keyword in quotes: `self` becomes `'self'`. Raises `ValueError` if it is empty or has quotes in it."""
        if not name or "'" in name or '"' in name or _csp_word_problem(name) is not None:
            raise ValueError(f"{name!r} is not a keyword")
        return f"'{name}'"

    @staticmethod
    def nonce(value: str) -> str:
        """The source expression of a nonce, `'nonce-...'`. Raises `ValueError` for what is not base64."""
        if not value or not _NONCE.fullmatch(value):
            raise ValueError(f"{value!r} is not base64")
        return f"'nonce-{value}'"

    def base_uri(self, *sources: str) -> ContentSecurityPolicy:
        """What `<base>` may point at."""
        return self._put("base-uri", sources)

    def block_all_mixed_content(self) -> ContentSecurityPolicy:
        """No browser reads it any more."""
        return self._put("block-all-mixed-content", ())

    def child_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where frames and workers may come from."""
        return self._put("child-src", sources)

    def connect_src(self, *sources: str) -> ContentSecurityPolicy:
        """What scripts may connect to."""
        return self._put("connect-src", sources)

    def default_src(self, *sources: str) -> ContentSecurityPolicy:
        """Stands in for the fetch directives that are not named."""
        return self._put("default-src", sources)

    def fenced_frame_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where fenced frames may come from."""
        return self._put("fenced-frame-src", sources)

    def font_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where fonts may come from."""
        return self._put("font-src", sources)

    def form_action(self, *sources: str) -> ContentSecurityPolicy:
        """Where forms may be sent; browsers differ about redirects after it."""
        return self._put("form-action", sources)

    def frame_ancestors(self, *sources: str) -> ContentSecurityPolicy:
        """Which pages may frame the page."""
        return self._put("frame-ancestors", sources)

    def frame_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where frames may come from."""
        return self._put("frame-src", sources)

    def img_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where images may come from."""
        return self._put("img-src", sources)

    def manifest_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where the manifest may come from."""
        return self._put("manifest-src", sources)

    def media_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where audio and video may come from."""
        return self._put("media-src", sources)

    def object_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where plug-ins may come from."""
        return self._put("object-src", sources)

    def prefetch_src(self, *sources: str) -> ContentSecurityPolicy:
        """No browser reads it any more."""
        return self._put("prefetch-src", sources)

    def report_to(self, *values: str) -> ContentSecurityPolicy:
        """The endpoint of Reporting-Endpoints that gets reports."""
        return self._put("report-to", values)

    def report_uri(self, *uris: str) -> ContentSecurityPolicy:
        """The addresses that get reports."""
        return self._put("report-uri", uris)

    def require_trusted_types_for(self, *values: str) -> ContentSecurityPolicy:
        """Which sinks take trusted types only: `'script'`."""
        return self._put("require-trusted-types-for", values)

    def sandbox(self, *values: str) -> ContentSecurityPolicy:
        """Puts the page into a sandbox, with flags for what it may do."""
        return self._put("sandbox", values)

    def script_src(self, *sources: str) -> ContentSecurityPolicy:
        """Which scripts run."""
        return self._put("script-src", sources)

    def script_src_attr(self, *sources: str) -> ContentSecurityPolicy:
        """Which event handler attributes run."""
        return self._put("script-src-attr", sources)

    def script_src_elem(self, *sources: str) -> ContentSecurityPolicy:
        """Which `<script>` elements run."""
        return self._put("script-src-elem", sources)

    def style_src(self, *sources: str) -> ContentSecurityPolicy:
        """Which styles apply."""
        return self._put("style-src", sources)

    def style_src_attr(self, *sources: str) -> ContentSecurityPolicy:
        """Which style attributes apply."""
        return self._put("style-src-attr", sources)

    def style_src_elem(self, *sources: str) -> ContentSecurityPolicy:
        """Which style sheets apply."""
        return self._put("style-src-elem", sources)

    def trusted_types(self, *values: str) -> ContentSecurityPolicy:
        """Which policies of trusted types may be made."""
        return self._put("trusted-types", values)

    def upgrade_insecure_requests(self) -> ContentSecurityPolicy:
        """Asks for http addresses over https."""
        return self._put("upgrade-insecure-requests", ())

    def worker_src(self, *sources: str) -> ContentSecurityPolicy:
        """Where workers may come from."""
        return self._put("worker-src", sources)
