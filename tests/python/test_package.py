"""What the wheel carries: the module, its types and the program."""

import json
import os
import subprocess
import sys
import textwrap
from importlib.metadata import distribution
from pathlib import Path

import mantlet
import pytest
from mantlet.__main__ import program

ROOT = Path(__file__).parents[2]
BUILT = program()
needs_wheel = pytest.mark.skipif(BUILT is None, reason="installed from the tree, without the program")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_wheel
def test_the_wheel_carries_the_program_and_the_module_runs_it() -> None:
    direct, module = run(str(BUILT), "--version"), run(sys.executable, "-m", "mantlet", "--version")
    assert direct.stdout == module.stdout
    assert mantlet.__version__ in direct.stdout
    assert run(sys.executable, "-m", "mantlet", "no-such-command").returncode == 2


@needs_wheel
def test_the_package_needs_nothing_at_run_time() -> None:
    assert distribution("mantlet").requires is None
    names = {file.name for file in distribution("mantlet").files or []}
    assert {"py.typed", "_mantlet.pyi", "_mantlet.abi3.so"} <= names


def test_the_extension_module_has_no_runtime_in_it() -> None:
    done = run("cargo", "tree", f"--manifest-path={ROOT}/Cargo.toml", "--package=mantlet-python", "--edges=normal")
    assert done.returncode == 0, done.stderr
    crates = {word for line in done.stdout.splitlines() for word in line.split()}
    assert "mantlet-engine" in crates
    assert crates.isdisjoint({"tokio", "mio", "hyper", "notify", "mantlet-proxy"})


@pytest.mark.parametrize("flags", ["", "Py_GIL_DISABLED"], ids=["3.14", "3.14t"])
def test_the_extension_module_compiles_for_an_interpreter_that_is_not_here(flags: str, tmp_path: Path) -> None:
    config = tmp_path / "config.txt"
    config.write_text(
        "implementation=CPython\nversion=3.14\nshared=true\nabi3=false\npointer_width=64\n"
        f"build_flags={flags}\nsuppress_build_script_link_lines=true\n"
    )
    environment = os.environ | {"PYO3_CONFIG_FILE": str(config), "CARGO_TARGET_DIR": f"{ROOT}/target/python-3.14"}
    command = ("cargo", "check", "--quiet", f"--manifest-path={ROOT}/Cargo.toml", "--package=mantlet-python")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_the_stubs_say_what_the_binary_has(tmp_path: Path) -> None:
    # PyO3 writes an __all__ of its own, and what pins the randomness is in no wheel but that of the tests
    allowed = tmp_path / "allowed.txt"
    allowed.write_text(r"mantlet\._mantlet\.(__all__|_pinned)" + "\n")
    done = run(sys.executable, "-m", "mypy.stubtest", "mantlet._mantlet", "--concise", f"--allowlist={allowed}")
    assert done.returncode == 0, done.stdout + done.stderr


SAMPLE = """
    # pyright: strict
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from typing import Any

    import mantlet
    from mantlet import (
        Audit,
        CrossOriginProtection,
        Grade,
        Mantlet,
        Permit,
        Policy,
        PolicyError,
        Preset,
        RateLimitConfig,
    )
    from mantlet.headers import ContentSecurityPolicy
    from mantlet.middleware import SecureASGIMiddleware
    from mantlet.secure import Secure

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

    async def page(scope: Message, receive: Receive, send: Send) -> None:
        permit: Permit = scope["mantlet"]
        nonce: str | None = permit.nonce
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-nonce", (nonce or "").encode())]})

    def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"hello"]

    try:
        policy = Policy(preset=Preset.STRICT, hosts=["app.example"], headers={"server": False}, csp={"img-src": ()})
    except PolicyError as error:
        raise SystemExit(str(error))
    app: Callable[[Message, Receive, Send], Awaitable[None]] = Mantlet(page, policy)
    wsgi: Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]] = Mantlet(hello, Preset.BASIC)
    followed: Mantlet = Mantlet(page, "mantlet.toml", follow=None)
    secure = Secure(csp=ContentSecurityPolicy().default_src("'self'"))
    names_of_secure: list[str] = list(secure.headers)
    headers: Callable[[Message, Receive, Send], Awaitable[None]] = SecureASGIMiddleware(page, secure=secure)
    protected: Callable[[Message, Receive, Send], Awaitable[None]] = CrossOriginProtection(page)
    exchange = policy.on_request("GET", b"/", [(b"host", b"app.example")], peer="192.0.2.1", tls=True)
    if exchange.denial is not None:
        print(exchange.denial.status, exchange.denial.reason)
    limit = RateLimitConfig.token_bucket(100, 60, key=["client", {"header": "x-api-key"}], cost=lambda scope: 2)
    limited = Policy(limits=[limit], limit_headers="ietf-7", redis="redis://localhost")
    left: dict[str, tuple[int, float]] = exchange.permit.quotas if exchange.permit else {}

    async def later() -> int | None:
        denial = (await limited.on_request_async("GET", b"/", [])).denial
        return denial.status if denial else None

    names: list[bytes] = [name for name, _ in exchange.on_response(200, [])]
    audit: Audit = mantlet.audit({"server": "a", "set-cookie": ["a=1", "b=2"]}, not_found=[(b"server", b"a")])
    grade: Grade = max(audit.grade, mantlet.check(policy, "/docs").audit(profile="presence").grade)
    is_good: bool = grade >= "A" and mantlet.audit(secure, body="").grade == "A+"
    worst: str | None = audit.findings[0].fix if audit.findings else None
    sent: dict[str, str] = dict(mantlet.check(Preset.STRICT, https=False))
"""


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Path, Path]:
    """An application, and one with a mistake on lines 2 and 3."""
    sample, wrong = tmp_path / "sample.py", tmp_path / "wrong.py"
    sample.write_text(textwrap.dedent(SAMPLE))
    wrong.write_text("from mantlet import Policy\nPolicy(hosts=1)\nPolicy(nonsense=2)\n")
    return sample, wrong


def test_a_typed_application_is_clean_for_mypy_and_a_mistake_is_found(
    samples: tuple[Path, Path], tmp_path: Path
) -> None:
    sample, wrong = samples
    check = (sys.executable, "-m", "mypy", "--strict", "--output=json", "--cache-dir", str(tmp_path / "cache"))
    clean = run(*check, str(sample))
    assert clean.returncode == 0, clean.stdout
    found = run(*check, str(wrong))
    assert [json.loads(line)["line"] for line in found.stdout.splitlines()] == [2, 3]


def test_a_typed_application_is_clean_for_pyright_and_a_mistake_is_found(samples: tuple[Path, Path]) -> None:
    sample, wrong = samples
    pyright = ROOT / "tests/python/node_modules/pyright/index.js"
    check = ("node", str(pyright), "--outputjson", f"--pythonpath={sys.executable}")
    clean = run(*check, str(sample))
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert json.loads(clean.stdout)["summary"]["filesAnalyzed"] == 1
    found = json.loads(run(*check, str(wrong)).stdout)["generalDiagnostics"]
    # counted from 0
    assert [(each["severity"], each["range"]["start"]["line"]) for each in found] == [("error", 1), ("error", 2)]
