"""Which applications there are: the file in `apps`, how it is asked, the environment that has its framework."""

from __future__ import annotations

import os
from typing import NamedTuple


class Framework(NamedTuple):
    """A row of the matrix."""

    app: str
    how: str
    environment: str = "main"
    missing: str = "/missing"
    file: str = "/static/hello.txt"
    #: the HTML is the framework's own and has no place for a nonce
    own_page: bool = False
    #: a handshake is a request like another; Robyn calls no function for one
    judges_websockets: bool = True
    #: a hook of ours edits its responses, by the means of the framework
    hooked: bool = False


MATRIX = [
    Framework("fastapi_app", "asgi"),
    Framework("starlette_app", "asgi"),
    Framework("flask_app", "wsgi"),
    Framework("django_app", "wsgi", hooked=True),
    Framework("django_async_app", "asgi", hooked=True),
    Framework("aiohttp_app", "server", hooked=True),
    Framework("quart_app", "asgi"),
    Framework("tornado_app", "server", hooked=True),
    Framework("sanic_app", "server", hooked=True),
    Framework("falcon_app", "wsgi"),
    Framework("falcon_async_app", "asgi"),
    Framework("litestar_app", "asgi"),
    Framework("bottle_app", "wsgi"),
    Framework("cherrypy_app", "wsgi"),
    Framework("cherrypy_tool_app", "wsgi", hooked=True),
    Framework("pyramid_app", "wsgi"),
    Framework("morepath_app", "wsgi"),
    Framework("turbogears_app", "wsgi"),
    Framework("blacksheep_app", "asgi"),
    Framework("responder_app", "asgi"),
    Framework("shiny_app", "asgi"),
    Framework("robyn_app", "server", judges_websockets=False, hooked=True),
    Framework("streamlit_app", "asgi", missing="/media/none.png", file="/files/hello.txt", own_page=True),
    Framework("masonite_app", "wsgi", environment="masonite"),
]

#: the environment that the tests run in
ENVIRONMENT = os.environ.get("MANTLET_FRAMEWORKS", "main")
#: what it has
HERE = [framework for framework in MATRIX if framework.environment == ENVIRONMENT]
