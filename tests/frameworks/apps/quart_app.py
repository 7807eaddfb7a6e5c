"""Quart inside the middleware."""

from collections.abc import AsyncIterator

# doc: begin
from mantlet import Mantlet
from quart import Quart, Response, redirect, render_template_string, request

app = Quart(__name__)
app.asgi_app = Mantlet(app.asgi_app, policy="mantlet.toml")


@app.context_processor
def csp_nonce() -> dict[str, str]:
    return {"csp_nonce": request.scope["mantlet"].nonce}


@app.get("/")
async def page() -> str:
    return await render_template_string('<!doctype html><title>Hello</title><script nonce="{{ csp_nonce }}">1</script>')


# doc: end

notes: list[bytes] = []


@app.route("/notes", methods=["GET", "POST"])
async def write() -> str:
    if request.method == "POST":
        notes.append(await request.get_data())
    return str(len(notes))


@app.get("/error")
async def error() -> str:
    raise RuntimeError("not caught")


@app.get("/old")
async def old() -> Response:
    return redirect("/")


@app.get("/stream")
async def stream() -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        for block in (b"one ", b"two ", b"three"):
            yield block

    return Response(blocks())
