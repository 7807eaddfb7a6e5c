"""Falcon under ASGI."""

import pathlib
from collections.abc import AsyncIterator

# doc: begin
import falcon
import falcon.asgi
from mantlet import Mantlet


class Page:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        nonce = request.scope["mantlet"].nonce
        response.content_type = falcon.MEDIA_HTML
        response.text = f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


site = falcon.asgi.App()
site.add_route("/", Page())
app = Mantlet(site, policy="mantlet.toml")
# doc: end

notes: list[bytes] = []


class Notes:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        response.text = str(len(notes))

    async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        notes.append(await request.stream.read())
        response.text = str(len(notes))


class Broken:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        raise RuntimeError("not caught")


class Old:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        raise falcon.HTTPFound("/")


class Stream:
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        async def blocks() -> AsyncIterator[bytes]:
            for block in (b"one ", b"two ", b"three"):
                yield block

        response.stream = blocks()


site.add_route("/notes", Notes())
site.add_route("/error", Broken())
site.add_route("/old", Old())
site.add_route("/stream", Stream())
site.add_static_route("/static", pathlib.Path(__file__).with_name("static"))
