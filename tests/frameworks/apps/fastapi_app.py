"""FastAPI inside the middleware."""

import pathlib

# doc: begin
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from mantlet import Mantlet
from mantlet.fastapi import Nonce

api = FastAPI()


@api.get("/", response_class=HTMLResponse)
async def page(nonce: Nonce) -> str:
    return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


# doc: end

notes: list[bytes] = []


@api.get("/notes")
async def count() -> int:
    return len(notes)


@api.post("/notes")
async def note() -> int:
    notes.append(b"")
    return len(notes)


@api.get("/error")
async def error() -> None:
    raise RuntimeError("not caught")


@api.get("/old")
async def old() -> RedirectResponse:
    return RedirectResponse("/")


@api.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(iter([b"one ", b"two ", b"three"]))


api.mount("/static", StaticFiles(directory=pathlib.Path(__file__).with_name("static")))

# doc: begin
app = Mantlet(api, policy="mantlet.toml")  # outermost: run this one
# doc: end
