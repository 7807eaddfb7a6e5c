"""BlackSheep inside the middleware."""

from collections.abc import AsyncIterator

# doc: begin
from blacksheep import Application, Content, Request, Response, StreamedContent, get, post, redirect
from mantlet import Mantlet

site = Application()


@get("/")
def page(request: Request) -> Response:
    nonce = request.scope["mantlet"].nonce
    text = f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'
    return Response(200, content=Content(b"text/html", text.encode()))


app = Mantlet(site, policy="mantlet.toml")
# doc: end

notes: list[bytes] = []


@get("/notes")
def count() -> str:
    return str(len(notes))


@post("/notes")
def note() -> str:
    notes.append(b"")
    return str(len(notes))


@get("/error")
def error() -> str:
    raise RuntimeError("not caught")


@get("/old")
def old() -> Response:
    return redirect("/")


@get("/stream")
def stream() -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        for block in (b"one ", b"two ", b"three"):
            yield block

    return Response(200, content=StreamedContent(b"text/plain", blocks))


site.serve_files("static", root_path="static", extensions={".txt"})
