"""Every server takes `Mantlet(app)` for what it is, and shows it the request it needs.

The servers run for real on spare ports; those that fork load the application before they do.
"""

import asyncio
import inspect
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from asgiref.compatibility import is_double_callable
from asgiref.testing import ApplicationCommunicator
from drive import Message, Receive, Send, answer, environ, scope, wsgi
from mantlet import Mantlet, Policy
from served import app as served
from served import wsgi as served_wsgi
from starlette.testclient import TestClient, WebSocketDenialResponse

HERE = Path(__file__).parent
GUNICORN = ["gunicorn", "--preload", "--workers=2", "--bind=127.0.0.1:{port}", "--no-control-socket"]
SERVERS: dict[str, list[str]] = {
    "uvicorn h11": ["uvicorn", "--http=h11", "--port={port}", "served:app"],
    "uvicorn workers": ["uvicorn", "--workers=2", "--port={port}", "served:app"],
    "hypercorn": ["hypercorn", "--bind=127.0.0.1:{port}", "served:app"],
    "daphne": ["daphne", "--bind=127.0.0.1", "--port={port}", "served:app"],
    "granian": ["granian", "--interface=asgi", "--port={port}", "served:app"],
    "gunicorn with uvicorn": [*GUNICORN, "--worker-class=uvicorn_worker.UvicornWorker", "served:app"],
    "gunicorn": [*GUNICORN, "served:wsgi"],
    "granian as WSGI": ["granian", "--interface=wsgi", "--port={port}", "served:wsgi"],
    "hypercorn as WSGI": ["hypercorn", "--bind=127.0.0.1:{port}", "served:wsgi"],
}
#: How often a server is asked whether it listens, and how long the pause between is, in seconds.
ATTEMPTS, PAUSE = 600, 0.1


@pytest.fixture(name="server", scope="module", params=SERVERS)
def _server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with socket.socket() as spare:
        spare.bind(("127.0.0.1", 0))
        port: int = spare.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", *(word.format(port=port) for word in SERVERS[request.param])]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=HERE, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(ATTEMPTS):
            assert process.poll() is None, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(PAUSE)
        else:
            pytest.fail(f"does not listen: {log.read_text()}")
        yield request.param, port
    finally:
        process.terminate()
        process.wait()


def ask(port: int, method: str, path: str, **headers: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", port)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": "app.example"} | fields)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def test_a_request_reaches_the_application(server: tuple[str, int]) -> None:
    name, port = server
    interface = "wsgi" if "served:wsgi" in SERVERS[name] else "asgi"
    for _ in range(4):
        response, body = ask(port, "GET", "/")
        assert (response.status, body) == (200, f"{interface} 127.0.0.1")
        assert response.headers.get_all("x-frame-options") == ["SAMEORIGIN"]
        assert response.headers["x-route"] == "root"


def test_a_request_of_another_site_is_denied(server: tuple[str, int]) -> None:
    _, port = server
    response, body = ask(port, "POST", "/", Sec_Fetch_Site="cross-site", Accept="text/plain")
    assert (response.status, body) == (403, "Cross-origin request rejected.\n")
    assert response.headers["mantlet-reason"] == "origin.cross-site"
    assert response.headers["x-frame-options"] == "SAMEORIGIN"


def test_a_path_keeps_its_escapes(server: tuple[str, int]) -> None:
    name, port = server
    assert ask(port, "GET", "/docs/a?b=/c")[0].headers["x-route"] == "docs"
    # it could be any path, and gets the rules of the root; an environ without the raw target shows a slash
    hidden = name in ("granian as WSGI", "hypercorn as WSGI")
    assert ask(port, "GET", "/docs%2Fa")[0].headers["x-route"] == ("docs" if hidden else "root")


def test_a_handshake_of_another_origin_is_refused(server: tuple[str, int]) -> None:
    name, port = server
    if "served:wsgi" in SERVERS[name]:
        pytest.skip("WSGI has no WebSocket")
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    handshake["Sec_WebSocket_Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    connection = HTTPConnection("127.0.0.1", port)
    statuses = []
    for origin in ("http://evil.example", "http://app.example"):
        fields = {key.replace("_", "-"): value for key, value in handshake.items()}
        connection.request("GET", "/", headers={"Host": "app.example", "Origin": origin} | fields)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [403, 101]


def test_starlettes_test_client_takes_it_for_asgi() -> None:
    with TestClient(served) as client:
        assert client.get("/").text == "asgi None"
        assert client.post("/", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        with client.websocket_connect("/", headers={"origin": "http://testserver"}):
            pass
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect("/", headers={"origin": "http://evil.example"}),
        ):
            pass
        assert refused.value.status_code == 403
        assert refused.value.headers["x-frame-options"] == "SAMEORIGIN"


def test_asgiref_takes_it_for_asgi() -> None:
    communicator_of: Any = ApplicationCommunicator
    double_callable: Any = is_double_callable
    assert not double_callable(served)

    async def answers() -> list[Any]:
        communicator = communicator_of(served, scope())
        await communicator.send_input({"type": "http.request"})
        return [await communicator.receive_output() for _ in range(2)]

    start, body = asyncio.run(answers())
    assert dict(start["headers"])[b"x-route"] == b"root"
    assert body["body"] == b"asgi 192.0.2.7"


def test_a_wsgi_application_is_not_taken_for_asgi() -> None:
    assert not inspect.iscoroutinefunction(served_wsgi.__call__)


def test_every_kind_of_application_is_told_apart() -> None:
    class Callable:
        async def __call__(self, scope: Message, receive: Receive, send: Send) -> None: ...

    class Wsgi:
        def __call__(self, environ: Any, start_response: Any) -> Any: ...

    def plain(scope: Message, receive: Receive, send: Send) -> Any: ...

    def is_asgi(app: Any) -> bool:
        return inspect.iscoroutinefunction(Mantlet(app, Policy()).__call__)

    assert is_asgi(answer()) and is_asgi(Callable()) and is_asgi(Callable().__call__) and is_asgi(plain)
    assert is_asgi(Mantlet(answer(), Policy()))
    assert not is_asgi(Wsgi()) and not is_asgi(Wsgi().__call__) and not is_asgi(dict)
    assert not is_asgi(Mantlet(Wsgi(), Policy()))


def test_a_subclass_may_have_a_call_of_its_own() -> None:
    class Own(Mantlet):
        async def __call__(self, *arguments: Any) -> None:  # type: ignore[override]
            self.called = True

    own = Own(answer(), Policy())
    assert "__call__" not in vars(own)
    coroutine = own(scope())
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert own.called


def test_a_function_with_default_arguments_is_called_by_its_shape() -> None:
    def app(environ: Any, start_response: Any, extra: int = 1) -> Any:
        start_response("200 OK", [])
        return [b""]

    started, _ = wsgi(Mantlet(app, Policy()), environ())
    assert re.match("200", started.status)
