"""CherryPy with the tool."""

import pathlib
from collections.abc import Iterator

# doc: begin
import cherrypy
from mantlet.cherrypy import setup

setup(policy="mantlet.toml")


class Site:
    @cherrypy.expose
    def index(self) -> str:
        nonce = cherrypy.request.mantlet.nonce
        return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'

    # doc: end

    written: list[bytes] = []  # noqa: RUF012

    @cherrypy.expose
    def notes(self, **form: str) -> str:
        if cherrypy.request.method == "POST":
            self.written.append(cherrypy.request.body.read())
        return str(len(self.written))

    @cherrypy.expose
    def error(self) -> str:
        raise RuntimeError("not caught")

    @cherrypy.expose
    def cookies(self) -> str:
        cherrypy.response.headers["X-Frame-Options"] = "ALLOWALL"
        cherrypy.response.cookie["a"] = "1"
        cherrypy.response.cookie["b"] = "2"
        return ""

    @cherrypy.expose
    def old(self) -> None:
        raise cherrypy.HTTPRedirect("/")

    @cherrypy.expose
    def stream(self) -> Iterator[bytes]:
        yield from (b"one ", b"two ", b"three")


configuration = {
    "/static": {"tools.staticdir.on": True, "tools.staticdir.dir": str(pathlib.Path(__file__).with_name("static"))},
    "/stream": {"response.stream": True},
}

cherrypy.config.update({"environment": "embedded"})
# doc: begin
app = cherrypy.Application(Site(), "", configuration | {"/": {"tools.mantlet.on": True}})
# doc: end
