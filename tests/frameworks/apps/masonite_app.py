"""Masonite inside the middleware: the least that its providers run with."""

import logging
import pathlib

# doc: begin
from mantlet import Mantlet
from masonite.configuration import Configuration
from masonite.controllers import Controller
from masonite.exceptions import RouteNotFoundException
from masonite.foundation import Application, Kernel
from masonite.providers import FrameworkProvider, RouteProvider
from masonite.request import Request
from masonite.response import Response
from masonite.routes import Route
from whitenoise import WhiteNoise


class Page(Controller):
    def show(self, request: Request) -> str:
        nonce = request.environ["mantlet"].nonce
        return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


# doc: end

notes: list[bytes] = []


class Others(Controller):
    def notes(self, request: Request) -> str:
        if request.get_request_method() == "POST":
            notes.append(b"")
        return str(len(notes))

    def error(self) -> str:
        raise RuntimeError("not caught")

    def old(self, response: Response) -> Response:
        return response.redirect("/")

    def stream(self) -> bytes:
        return b"one two three"


class Errors:
    """Answers in the place of Masonite's error pages, which need a whole project."""

    def handle(self, error: Exception) -> None:
        missing = isinstance(error, RouteNotFoundException)
        if not missing:
            logging.getLogger(__name__).error("not caught", exc_info=error)
        site.make("response").view("Not Found" if missing else "Internal Server Error", status=404 if missing else 500)


class Framework(FrameworkProvider):
    def register(self) -> None:
        """Neither presets nor CORS."""


site = Application(str(pathlib.Path(__file__).parent))
Kernel(site).register()
site.bind("config", Configuration(site))
site.bind("controllers.location", ".")
site.bind("exception_handler", Errors())
for route in (
    Route.get("/", Page.show),
    Route.get("/notes", Others.notes),
    Route.post("/notes", Others.notes),
    Route.get("/error", Others.error),
    Route.get("/old", Others.old),
    Route.get("/stream", Others.stream),
):
    site.make("router").add(route)
site.add_providers(Framework, RouteProvider)
site.set_response_handler(WhiteNoise(site.get_response_handler(), root="static", prefix="static"))

# doc: begin
app = Mantlet(site, policy="mantlet.toml")  # `site` is `application` of wsgi.py
# doc: end
