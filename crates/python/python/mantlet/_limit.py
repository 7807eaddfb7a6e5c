"""How many requests, of whom: a limit as Python says it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from mantlet._mantlet import _Limit

_Key = str | Mapping[str, str] | Iterable[str | Mapping[str, str]]
_OnError = Literal["local", "open", "closed"]
_Disposition = Literal["enforce", "report"]

#: what a function is given of a request to say what it costs: a scope, an environ, or a framework's own request
_CostOf = Callable[[Any], int]

#: settings that are no key of the policy file under their name
_OWN = ("algorithm", "requests", "window", "cost", "latency_threshold", "_limit")


@dataclass(frozen=True, kw_only=True, repr=False)
class RateLimitConfig:
    """One limit of `Policy(limits=[...])`: made by `token_bucket`, `sliding_window` or `adaptive`.

        Policy(limits=[RateLimitConfig.token_bucket(requests=100, window=60)])

    Settings have the names and the meaning of the keys of `[[limit]]` in a policy file; those that are left out have
    its defaults. A limit does not change, and one that makes no sense raises `ValueError`.

    `requests`: per `window`, which is in seconds; whole milliseconds.
    `name`: in response fields, logs and metrics, and in the keys of a store; needed where there are several.
    `key`: who is counted: `"client"`, `"route"`, `"everybody"`, `{"header": "x-api-key"}`, or a list of these.
    `ipv4_prefix`, `ipv6_prefix`: the bits of an address that make a client, 32 and 64.
    `paths`, `methods`: the requests that count; `exempt_paths`, `exempt_clients` (networks): those that do not.
    `cost`: what a request takes, 1; or a function that is given the scope (ASGI), the environ (WSGI) or the framework's
    request, and returns it. It must not wait. If it raises, the request is denied (500), and the log has the traceback.
    `disposition`: `"report"` denies nothing and tells the log; of those, `enforce_percent` are denied all the same.
    `store`: `"redis"` counts for all processes together; `on_error` says what becomes of a request while it does not
    answer: `"local"` (counted here, by a part of the quota if `nodes` processes share it), `"open"` or `"closed"`
    (503). `max_keys`: how many keys this process keeps, 65536.
    """

    algorithm: Literal["token_bucket", "sliding_window", "adaptive"]
    requests: int
    window: float
    name: str | None = None
    burst: int | None = None
    mode: Literal["strict", "interpolated"] | None = None
    min_requests: int | None = None
    cpu_threshold: float | None = None
    memory_threshold: float | None = None
    latency_threshold: float | None = None
    health_paths: Iterable[str] | None = None
    key: _Key | None = None
    ipv4_prefix: int | None = None
    ipv6_prefix: int | None = None
    paths: Iterable[str] | None = None
    methods: Iterable[str] | None = None
    cost: int | _CostOf | None = None
    exempt_paths: Iterable[str] | None = None
    exempt_clients: Iterable[str] | None = None
    disposition: _Disposition | None = None
    enforce_percent: int | None = None
    store: Literal["local", "redis"] | None = None
    on_error: _OnError | None = None
    nodes: int | None = None
    max_keys: int | None = None
    _limit: _Limit = field(init=False, compare=False)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name, None)
            if not isinstance(value, (str, Mapping)) and isinstance(value, Iterable):
                # what can be read once has been, and a limit does not change
                object.__setattr__(self, each.name, tuple(value))
        keys = {
            each.name: _plain(getattr(self, each.name))
            for each in fields(self)
            if each.name not in _OWN and getattr(self, each.name) is not None
        }
        keys["algorithm"], keys["window"] = self.algorithm, _milliseconds("window", self.window, 1000)
        keys["base_requests" if self.algorithm == "adaptive" else "requests"] = self.requests
        if self.latency_threshold is not None:
            keys["latency_threshold"] = _milliseconds("latency_threshold", self.latency_threshold, 1)
        function = self.cost if callable(self.cost) else None
        if self.cost is not None and function is None:
            keys["cost"] = self.cost
        object.__setattr__(self, "_limit", _Limit(json.dumps(keys, default=_told), function))

    @classmethod
    def token_bucket(
        cls,
        requests: int,
        window: float,
        *,
        burst: int | None = None,
        name: str | None = None,
        key: _Key | None = None,
        ipv4_prefix: int | None = None,
        ipv6_prefix: int | None = None,
        paths: Iterable[str] | None = None,
        methods: Iterable[str] | None = None,
        cost: int | _CostOf | None = None,
        exempt_paths: Iterable[str] | None = None,
        exempt_clients: Iterable[str] | None = None,
        disposition: _Disposition | None = None,
        enforce_percent: int | None = None,
        store: Literal["local", "redis"] | None = None,
        on_error: _OnError | None = None,
        nodes: int | None = None,
        max_keys: int | None = None,
    ) -> RateLimitConfig:
        """`requests` per `window` seconds, evenly; `burst` of them at once, and all of them unless it says otherwise.

        Raises `ValueError`.
        """
        return cls(algorithm="token_bucket", **_said(locals()))

    @classmethod
    def sliding_window(
        cls,
        requests: int,
        window: float,
        *,
        mode: Literal["strict", "interpolated"] | None = None,
        name: str | None = None,
        key: _Key | None = None,
        ipv4_prefix: int | None = None,
        ipv6_prefix: int | None = None,
        paths: Iterable[str] | None = None,
        methods: Iterable[str] | None = None,
        cost: int | _CostOf | None = None,
        exempt_paths: Iterable[str] | None = None,
        exempt_clients: Iterable[str] | None = None,
        disposition: _Disposition | None = None,
        enforce_percent: int | None = None,
        store: Literal["local", "redis"] | None = None,
        on_error: _OnError | None = None,
        nodes: int | None = None,
        max_keys: int | None = None,
    ) -> RateLimitConfig:
        """`requests` in any `window` seconds, never more; with `mode="interpolated"` on average, for less memory.

        Raises `ValueError`.
        """
        return cls(algorithm="sliding_window", **_said(locals()))

    @classmethod
    def adaptive(
        cls,
        base_requests: int,
        window: float,
        cpu_threshold: float = 0.8,
        memory_threshold: float = 0.9,
        latency_threshold: float = 100,
        min_requests: int = 10,
        *,
        health_paths: Iterable[str] | None = None,
        name: str | None = None,
        key: _Key | None = None,
        ipv4_prefix: int | None = None,
        ipv6_prefix: int | None = None,
        paths: Iterable[str] | None = None,
        methods: Iterable[str] | None = None,
        cost: int | _CostOf | None = None,
        exempt_paths: Iterable[str] | None = None,
        exempt_clients: Iterable[str] | None = None,
        disposition: _Disposition | None = None,
        enforce_percent: int | None = None,
        max_keys: int | None = None,
    ) -> RateLimitConfig:
        """`base_requests` per `window` seconds, and fewer under pressure, down to `min_requests`.

        Pressure is a part of the CPU or of the memory in use above its threshold (0 to 1), or a 90th percentile of this
        service's answers above `latency_threshold` milliseconds. `health_paths` are never shed. A request above the
        base is denied with 429, one that pressure sheds with 503.

        Raises `ValueError`.
        """
        said = _said(locals())
        return cls(algorithm="adaptive", requests=said.pop("base_requests"), **said)

    def __hash__(self) -> int:
        # a key may be a dict
        return hash((self.algorithm, self.requests, self.window, self.name))

    def __repr__(self) -> str:
        said = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self)[1:-1] if self._says(each.name)]
        if self.algorithm == "adaptive":
            said[0] = f"base_{said[0]}"
        return f"RateLimitConfig.{self.algorithm}({', '.join(said)})"

    def _says(self, name: str) -> bool:
        return getattr(self, name) is not None


def _said(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "cls"}


def _milliseconds(name: str, value: float, unit: int) -> object:
    """As the policy file writes a time; what is no time is left to its reader, who says so."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return _told(value)
    milliseconds = value * unit
    if milliseconds <= 0:
        return 0
    if abs(milliseconds - round(milliseconds)) > 1e-6 * milliseconds:
        raise ValueError(f"{name} is in whole milliseconds, not {value!r} {'s' if unit == 1000 else 'ms'}")
    return f"{round(milliseconds)}ms"


def _plain(value: object) -> object:
    """What is no number in JSON is left to the reader of the key, who says so."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _told(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else repr(value)
