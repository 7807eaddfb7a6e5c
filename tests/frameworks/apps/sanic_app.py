"""Sanic's own server with the hook."""

import sys

# doc: begin
from mantlet.sanic import setup
from sanic import HTTPResponse, Request, Sanic, html, redirect, text

app = Sanic("hello")
setup(app, policy="mantlet.toml")


@app.get("/")
async def page(request: Request) -> HTTPResponse:
    nonce = request.ctx.mantlet.nonce
    return html(f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>')


# doc: end

notes: list[bytes] = []


@app.route("/notes", methods=["GET", "POST"])
async def write(request: Request) -> HTTPResponse:
    if request.method == "POST":
        notes.append(request.body)
    return text(str(len(notes)))


@app.get("/error")
async def error(request: Request) -> HTTPResponse:
    raise RuntimeError("not caught")


@app.get("/cookies")
async def cookies(request: Request) -> HTTPResponse:
    response = text("")
    response.add_cookie("a", "1")
    response.add_cookie("b", "2")
    return response


@app.on_response
async def framed(request: Request, response: HTTPResponse) -> None:
    response.headers["x-frame-options"] = "ALLOWALL"


@app.get("/old")
async def old(request: Request) -> HTTPResponse:
    return redirect("/")


@app.get("/stream")
async def stream(request: Request) -> None:
    response = await request.respond()
    for block in ("one ", "two ", "three"):
        await response.send(block)
    await response.eof()


app.static("/static", "static")

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False, motd=False)
