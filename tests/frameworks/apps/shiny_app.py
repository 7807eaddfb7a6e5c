"""Shiny inside the middleware."""

import pathlib

# doc: begin
from mantlet import Mantlet
from shiny import App, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route


def page(request: Request) -> ui.Tag:
    nonce = request.scope["mantlet"].nonce
    return ui.page_fluid(ui.tags.script("1", nonce=nonce), "Hello")


site = App(page, None, static_assets={"/static": pathlib.Path(__file__).with_name("static")})
app = Mantlet(site, policy="mantlet.toml")
# doc: end

notes: list[bytes] = []


async def write(request: Request) -> Response:
    if request.method == "POST":
        notes.append(await request.body())
    return PlainTextResponse(str(len(notes)))


async def error(request: Request) -> Response:
    raise RuntimeError("not caught")


async def old(request: Request) -> Response:
    return RedirectResponse("/")


async def stream(request: Request) -> Response:
    return StreamingResponse(iter([b"one ", b"two ", b"three"]))


site.starlette_app.router.routes[:0] = [
    Route("/notes", write, methods=["GET", "POST"]),
    Route("/error", error),
    Route("/old", old),
    Route("/stream", stream),
]
