"""Servers take `SecureASGIMiddleware(app)` for what it is. Needs `requirements-servers.txt`.

Real servers behind sockets are in `test_detection.py`; here are the questions that they ask before they serve.
"""

import asyncio

from asgiref.compatibility import guarantee_single_callable, is_double_callable
from asgiref.testing import ApplicationCommunicator
from hypercorn.utils import is_asgi
from mantlet.middleware import SecureASGIMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from uvicorn.config import Config


def hello(request):
    response = PlainTextResponse("hello")
    response.set_cookie("id", "1")
    return response


def broken(request):
    raise RuntimeError("broken")


def site(**arguments):
    return Starlette(routes=[Route("/", hello), Route("/broken", broken)], **arguments)


def test_uvicorn_loads_it_as_asgi_3():
    config = Config(SecureASGIMiddleware(site()), lifespan="off")
    config.load()
    assert config.interface == "asgi3"


def test_hypercorn_takes_it_for_asgi():
    assert is_asgi(SecureASGIMiddleware(site()))


def test_asgiref_takes_it_for_a_single_callable():
    app = SecureASGIMiddleware(site())
    assert not is_double_callable(app)
    assert guarantee_single_callable(app) is app

    async def start():
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
        }
        communicator = ApplicationCommunicator(app, scope)
        await communicator.send_input({"type": "http.request"})
        return await communicator.receive_output()

    headers = dict(asyncio.run(start())["headers"])
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert headers[b"set-cookie"].startswith(b"id=1")


def test_outermost_it_covers_what_is_missing_and_what_breaks():
    with TestClient(SecureASGIMiddleware(site()), raise_server_exceptions=False) as client:
        answers = {path: client.get(path) for path in ("/", "/missing", "/broken")}
    assert {path: answer.status_code for path, answer in answers.items()} == {"/": 200, "/missing": 404, "/broken": 500}
    assert all(answer.headers["x-frame-options"] == "SAMEORIGIN" for answer in answers.values())


def test_starlette_adds_it_and_mounts_it():
    inside = TestClient(site(middleware=[Middleware(SecureASGIMiddleware)]))
    assert inside.get("/").headers["x-frame-options"] == "SAMEORIGIN"
    mounted = TestClient(Starlette(routes=[Mount("/app", SecureASGIMiddleware(site()))]))
    assert mounted.get("/app/").headers["x-frame-options"] == "SAMEORIGIN"
    assert "x-frame-options" not in mounted.get("/").headers
