"""Starlette inside the middleware."""

# doc: begin
from mantlet import Mantlet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


async def page(request: Request) -> Response:
    nonce = request.scope["mantlet"].nonce
    return HTMLResponse(f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>')


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


routes = [
    Route("/", page),
    Route("/notes", write, methods=["GET", "POST"]),
    Route("/error", error),
    Route("/old", old),
    Route("/stream", stream),
    Mount("/static", StaticFiles(directory="static")),
]

# doc: begin
site = Starlette(routes=routes)
app = Mantlet(site, policy="mantlet.toml")  # outermost: run this one
# doc: end
