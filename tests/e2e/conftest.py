"""What the tests share: programs that stop with the test that started them, applications that live for a module."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support import APPS, PROGRAM, Application, Connection, Mantlet, Running, accepts, free_port, until


def pytest_sessionstart(session: pytest.Session) -> None:
    if not PROGRAM.exists():
        pytest.exit(f"{PROGRAM} is not built; MANTLET names another", returncode=1)


@pytest.fixture
def started() -> Iterator[Callable[..., Running]]:
    """Starts a program that is stopped at the end of the test."""
    with ExitStack() as stack:

        def start(command: list[object], folder: pathlib.Path, **rest: object) -> Running:
            running = Running(command, folder, **rest)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture
def serve(tmp_path: pathlib.Path) -> Iterator[Callable[..., Mantlet]]:
    """Starts `mantlet serve` before a port; stopped at the end of the test. `policy` is the text of a policy file."""
    with ExitStack() as stack:

        def start(upstream: int, *words: object, policy: str | None = None, **rest: object) -> Mantlet:
            if policy is not None:
                (tmp_path / "mantlet.toml").write_text(policy)
            running = Mantlet(tmp_path, upstream, *words, **rest)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture
def application() -> Iterator[Callable[..., Application]]:
    """Starts an application of one function, on threads of the test."""
    with ExitStack() as stack:

        def start(act: Callable[[Connection, str], object]) -> Application:
            running = Application(act)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture(scope="session")
def fastapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the FastAPI application of `tests/apps`."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", APPS, "--port", "0", "fastapi_app:app"]
    running = Running(command, tmp_path_factory.mktemp("fastapi"))
    try:
        yield int(running.says(r"running on http://127\.0\.0\.1:(\d+)")[1])
    finally:
        running.stop()


@pytest.fixture(scope="session")
def streamlit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the Streamlit application of `tests/apps`."""
    port = free_port()
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    folder = tmp_path_factory.mktemp("streamlit")
    running = Running([sys.executable, "-m", "streamlit", "run", APPS / "streamlit_app.py", *words], folder)
    try:
        until(lambda: running.process.poll() is not None or accepts(port), "Streamlit listens", 90)
        assert running.process.poll() is None, running.log
        yield port
    finally:
        running.stop()
