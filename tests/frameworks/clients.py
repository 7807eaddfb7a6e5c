"""Clients of the applications: a tiny one for ASGI, one for WSGI, and a server that is a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import importlib
import io
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

APPS = pathlib.Path(__file__).resolve().parent / "apps"
#: how long a program may take to answer or to end, in seconds
PATIENCE = 30.0

Fields = Iterable[tuple[str, str]]


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    fields: list[tuple[str, str]]
    blocks: list[bytes]

    @property
    def body(self) -> bytes:
        return b"".join(self.blocks)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.fields]

    def __getitem__(self, name: str) -> str:
        values = [value for known, value in self.fields if known == name]
        assert len(values) == 1, f"{name}: {values}"
        return values[0]


class Asgi:
    """Calls an ASGI application on a loop of its own, after its lifespan has begun."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._runner = asyncio.Runner()
        self._to_lifespan: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._lifespan = self._runner.run(self._begin())

    async def _begin(self) -> asyncio.Task[None]:
        begun = asyncio.get_running_loop().create_future()

        async def send(message: dict[str, Any]) -> None:
            if not begun.done():
                begun.set_result(message["type"])

        async def live() -> None:
            scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
            # an application may refuse the lifespan by an exception: servers go on without one
            with contextlib.suppress(Exception):
                await self._app(scope, self._to_lifespan.get, send)
            if not begun.done():
                begun.set_result("refused")

        self._to_lifespan.put_nowait({"type": "lifespan.startup"})
        lifespan = asyncio.create_task(live())
        assert await asyncio.wait_for(begun, PATIENCE) in ("lifespan.startup.complete", "refused")
        return lifespan

    def ask(
        self,
        method: str,
        target: str,
        fields: Fields = (),
        body: bytes = b"",
        *,
        tls: bool = False,
        peer: str = "127.0.0.1",
    ) -> Answer:
        path, _, query = target.partition("?")
        given = [("host", "127.0.0.1"), *fields, *([("content-length", str(len(body)))] if method == "POST" else [])]
        chosen = {name: value for name, value in given}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https" if tls else "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in chosen.items()],
            "client": (peer, 50000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        return self._runner.run(self._exchange(scope, body))

    async def _exchange(self, scope: dict[str, Any], body: bytes) -> Answer:
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []
        ended = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if incoming:
                return incoming.pop()
            # a client that stays until the end
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended.set()

        async def called() -> None:
            # an application may answer and then raise: that is for the server's log
            with contextlib.suppress(Exception):
                await self._app(scope, receive, send)

        await asyncio.wait_for(called(), PATIENCE)
        assert sent and sent[0]["type"] == "http.response.start", "the application left the answer to the server"
        assert not sent[-1].get("more_body"), "the answer has no end"
        fields = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        blocks = [message["body"] for message in sent[1:] if message.get("body")]
        return Answer(sent[0]["status"], fields, blocks)

    def close(self) -> None:
        self._to_lifespan.put_nowait({"type": "lifespan.shutdown"})

        async def end() -> None:
            await asyncio.wait([self._lifespan], timeout=PATIENCE)

        self._runner.run(end())
        self._runner.close()


class Wsgi:
    """Calls a WSGI application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def ask(
        self,
        method: str,
        target: str,
        fields: Fields = (),
        body: bytes = b"",
        *,
        tls: bool = False,
        peer: str = "127.0.0.1",
    ) -> Answer:
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": peer,
            "CONTENT_LENGTH": str(len(body)) if method == "POST" else "",
            "HTTP_HOST": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if tls else "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in fields}
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            assert exc_info is not None or not started, "started twice"
            started.append((status, headers))
            return None

        answer = self._app(environ, start_response)
        try:
            blocks = [block for block in answer if block]
        finally:
            if hasattr(answer, "close"):
                answer.close()
        status, headers = started[-1]
        return Answer(int(status[:3]), [(name.lower(), value) for name, value in headers], blocks)

    def close(self) -> None:
        pass


class Server:
    """An application that is a program: `python APP PORT` in a folder, asked over a connection, stopped by its id."""

    def __init__(self, name: str, log: pathlib.Path, folder: pathlib.Path = APPS) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, str(APPS / f"{name}.py"), str(self._port)],
                cwd=folder,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError(f"does not listen:\n{self._log.read_text(errors='replace')}")

    def ask(
        self, method: str, target: str, fields: Fields = (), body: bytes = b"", *, peer: str = "127.0.0.1"
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE, source_address=(peer, 0))
        try:
            connection.request(method, target, body if method == "POST" else None, dict(fields))
            response = connection.getresponse()
            fields = [(name.lower(), value) for name, value in response.getheaders()]
            blocks = []
            while block := response.read1():
                blocks.append(block)
            return Answer(response.status, fields, blocks)
        finally:
            connection.close()

    def close(self) -> None:
        # it has nothing to save, and Robyn does not heed SIGTERM; the group is its own and that of its workers
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)


def opened(name: str, how: str, log: pathlib.Path) -> Asgi | Wsgi | Server:
    """The client of an application of `apps`; `how` is asgi, wsgi or server."""
    if how == "server":
        return Server(name, log)
    app = importlib.import_module(name).app
    return Asgi(app) if how == "asgi" else Wsgi(app)
