"""Permissions-Policy: which features of the browser a page and its frames may use."""

from __future__ import annotations

from dataclasses import dataclass, field

from mantlet._mantlet import _structured_problem
from mantlet.headers._checks import checked, refuse_breaks
from mantlet.headers.base_header import BaseHeader, HeaderDefaultValue, HeaderName


@dataclass(repr=False)
class PermissionsPolicy(BaseHeader):
    """Permissions-Policy; `geolocation=(), microphone=(), camera=()` while nothing is told.

    Each method names who may use a feature: `"self"`, origins such as `"https://a.example"`, or `"*"` alone for
    everyone; nothing or `"none"` for nobody. Called again it puts a new list in place of the old one.

    Every method raises `ValueError` for white space, a comma or a semicolon in a word, for `*` or `none` beside other
    words, and for whatever makes the field no structured field (RFC 9651): a browser drops all of it then, which
    leaves every feature on.
    """

    header_name: str = field(init=False, default=HeaderName.PERMISSION_POLICY.value)
    _directives: dict[str, str] = field(init=False, default_factory=dict)
    _raw: str | None = field(init=False, default=None)

    @property
    def header_value(self) -> str:
        """The value as it is sent."""
        if self._raw is not None:
            return self._raw
        parts = [f"{feature}={allowed}" for feature, allowed in self._directives.items()]
        return ", ".join(parts) or HeaderDefaultValue.PERMISSION_POLICY.value

    def _put(self, feature: str, allowlist: tuple[str, ...]) -> PermissionsPolicy:
        allowed = _allowed(allowlist)
        problem = _structured_problem(self.header_name, f"{feature}={allowed}")
        if problem is not None:
            raise ValueError(f"{feature}={allowed}: {problem}")
        self._raw = None
        self._directives[feature] = allowed
        self._changed(f"{feature}={allowed}")
        return self

    def value(self, value: str) -> PermissionsPolicy:
        """Sends a whole value until a feature is named. Raises `ValueError` if it is empty or no structured field."""
        text = checked(str(value), self.header_name)
        if not text:
            raise ValueError(f"{self.header_name}: the value is empty")
        problem = _structured_problem(self.header_name, text)
        if problem is not None:
            raise ValueError(f"{self.header_name}: {problem}")
        self._raw = text
        self._changed()
        return self

    def set(self, value: str) -> PermissionsPolicy:
        """As `value`."""
        return self.value(value)

    def clear(self) -> PermissionsPolicy:
        """Brings the default value back."""
        self._raw, self._directives = None, {}
        self._changed()
        return self

    def add_directive(self, directive: str, *allowlist: str) -> PermissionsPolicy:
        """Names who may use a feature of any name."""
        feature = checked(str(directive), "the name of a feature")
        if not feature or any(c.isspace() or c in "=,;" for c in feature):
            raise ValueError(f"{feature!r} is not the name of a feature")
        return self._put(feature, allowlist)

    def directive(self, directive: str, *allowlist: str) -> PermissionsPolicy:
        """As `add_directive`."""
        return self.add_directive(directive, *allowlist)

    def accelerometer(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `accelerometer`."""
        return self._put("accelerometer", allowlist)

    def ambient_light_sensor(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `ambient-light-sensor`."""
        return self._put("ambient-light-sensor", allowlist)

    def aria_notify(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `aria-notify`."""
        return self._put("aria-notify", allowlist)

    def attribution_reporting(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `attribution-reporting`."""
        return self._put("attribution-reporting", allowlist)

    def autoplay(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `autoplay`."""
        return self._put("autoplay", allowlist)

    def battery(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `battery`."""
        return self._put("battery", allowlist)

    def bluetooth(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `bluetooth`."""
        return self._put("bluetooth", allowlist)

    def browsing_topics(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `browsing-topics`."""
        return self._put("browsing-topics", allowlist)

    def camera(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `camera`."""
        return self._put("camera", allowlist)

    def clipboard_read(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `clipboard-read`."""
        return self._put("clipboard-read", allowlist)

    def clipboard_write(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `clipboard-write`."""
        return self._put("clipboard-write", allowlist)

    def compute_pressure(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `compute-pressure`."""
        return self._put("compute-pressure", allowlist)

    def cross_origin_isolated(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `cross-origin-isolated`."""
        return self._put("cross-origin-isolated", allowlist)

    def display_capture(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `display-capture`."""
        return self._put("display-capture", allowlist)

    def document_domain(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `document-domain`."""
        return self._put("document-domain", allowlist)

    def encrypted_media(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `encrypted-media`."""
        return self._put("encrypted-media", allowlist)

    def execution_while_not_rendered(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `execution-while-not-rendered`."""
        return self._put("execution-while-not-rendered", allowlist)

    def execution_while_out_of_viewport(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `execution-while-out-of-viewport`."""
        return self._put("execution-while-out-of-viewport", allowlist)

    def fullscreen(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `fullscreen`."""
        return self._put("fullscreen", allowlist)

    def gamepad(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `gamepad`."""
        return self._put("gamepad", allowlist)

    def geolocation(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `geolocation`."""
        return self._put("geolocation", allowlist)

    def gyroscope(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `gyroscope`."""
        return self._put("gyroscope", allowlist)

    def hid(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `hid`."""
        return self._put("hid", allowlist)

    def identity_credentials_get(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `identity-credentials-get`."""
        return self._put("identity-credentials-get", allowlist)

    def idle_detection(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `idle-detection`."""
        return self._put("idle-detection", allowlist)

    def language_detector(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `language-detector`."""
        return self._put("language-detector", allowlist)

    def local_fonts(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `local-fonts`."""
        return self._put("local-fonts", allowlist)

    def magnetometer(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `magnetometer`."""
        return self._put("magnetometer", allowlist)

    def microphone(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `microphone`."""
        return self._put("microphone", allowlist)

    def midi(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `midi`."""
        return self._put("midi", allowlist)

    def navigation_override(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `navigation-override`."""
        return self._put("navigation-override", allowlist)

    def on_device_speech_recognition(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `on-device-speech-recognition`."""
        return self._put("on-device-speech-recognition", allowlist)

    def otp_credentials(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `otp-credentials`."""
        return self._put("otp-credentials", allowlist)

    def payment(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `payment`."""
        return self._put("payment", allowlist)

    def picture_in_picture(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `picture-in-picture`."""
        return self._put("picture-in-picture", allowlist)

    def publickey_credentials_create(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `publickey-credentials-create`."""
        return self._put("publickey-credentials-create", allowlist)

    def publickey_credentials_get(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `publickey-credentials-get`."""
        return self._put("publickey-credentials-get", allowlist)

    def screen_wake_lock(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `screen-wake-lock`."""
        return self._put("screen-wake-lock", allowlist)

    def serial(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `serial`."""
        return self._put("serial", allowlist)

    def speaker_selection(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `speaker-selection`."""
        return self._put("speaker-selection", allowlist)

    def storage_access(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `storage-access`."""
        return self._put("storage-access", allowlist)

    def summarizer(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `summarizer`."""
        return self._put("summarizer", allowlist)

    def sync_xhr(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `sync-xhr`."""
        return self._put("sync-xhr", allowlist)

    def translator(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `translator`."""
        return self._put("translator", allowlist)

    def usb(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `usb`."""
        return self._put("usb", allowlist)

    def web_share(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `web-share`."""
        return self._put("web-share", allowlist)

    def window_management(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `window-management`."""
        return self._put("window-management", allowlist)

    def xr_spatial_tracking(self, *allowlist: str) -> PermissionsPolicy:
        """Who may use `xr-spatial-tracking`."""
        return self._put("xr-spatial-tracking", allowlist)


def _allowed(words: tuple[str, ...]) -> str:
    read = [word for word in map(_word, words) if word]
    if "*" in read:
        if len(read) > 1:
            raise ValueError("* stands alone: it allows everyone")
        return "*"
    if "()" in read:
        if len(read) > 1:
            raise ValueError("none stands alone: it allows nobody")
        return "()"
    return f"({' '.join(read)})"


def _word(word: str) -> str:
    text = str(word)
    refuse_breaks(text, "a word of an allowlist")
    text = text.strip()
    if any(c.isspace() or c in ",;" for c in text):
        raise ValueError(f"{text!r} is more than one word: give each one by itself")
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
    if bare in ("none", "()"):
        return "()"
    if bare in ("self", "*"):
        return bare
    if text.startswith(("http://", "https://")):
        return f'"{text}"'
    return text
