"""Streamlit as an ASGI application inside the middleware."""

# doc: begin
from mantlet import Mantlet
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from streamlit.starlette import App

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
    Route("/notes", write, methods=["GET", "POST"]),
    Route("/error", error),
    Route("/old", old),
    Route("/stream", stream),
    Mount("/files", StaticFiles(directory="static")),
]

# doc: begin
site = App("dashboard.py", routes=routes)  # Streamlit 1.67: `streamlit run` has no place for a middleware
app = Mantlet(site, policy="streamlit.toml")  # uvicorn dashboard_server:app
# doc: end
