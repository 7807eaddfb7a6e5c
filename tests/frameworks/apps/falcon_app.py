"""Falcon under WSGI."""

import pathlib

# doc: begin
import falcon
from mantlet import Mantlet


class Page:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        nonce = request.env["mantlet"].nonce
        response.content_type = falcon.MEDIA_HTML
        response.text = f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


site = falcon.App()
site.add_route("/", Page())
app = Mantlet(site, policy="mantlet.toml")
# doc: end

notes: list[bytes] = []


class Notes:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.text = str(len(notes))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        notes.append(request.bounded_stream.read())
        self.on_get(request, response)


class Broken:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        raise RuntimeError("not caught")


class Old:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        raise falcon.HTTPFound("/")


class Stream:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.stream = iter([b"one ", b"two ", b"three"])


site.add_route("/notes", Notes())
site.add_route("/error", Broken())
site.add_route("/old", Old())
site.add_route("/stream", Stream())
site.add_static_route("/static", pathlib.Path(__file__).with_name("static"))
