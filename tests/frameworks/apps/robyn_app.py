"""Robyn's own server with the hook."""

import sys

# doc: begin
from mantlet.robyn import permit, protected, setup
from robyn import Request, Response, Robyn, StreamingResponse, html, serve_file

app = Robyn(__file__)
setup(app, policy="mantlet.toml")  # before other functions


@app.get("/")
def page(request: Request) -> Response:
    nonce = permit(request).nonce
    return html(f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>')


@app.get("/static/hello.txt")
def hello() -> Response:
    return serve_file("static/hello.txt")  # what serve_directory sends is not judged and has no headers of the policy


@app.get("/stream")
def stream(request: Request) -> StreamingResponse:
    return protected(request, StreamingResponse(iter(["one ", "two ", "three"]), media_type="text/plain"))


# doc: end

notes: list[bytes] = []


@app.get("/notes")
def count() -> str:
    return str(len(notes))


@app.post("/notes")
def note() -> str:
    notes.append(b"")
    return str(len(notes))


@app.get("/error")
def error() -> str:
    raise RuntimeError("not caught")


@app.get("/cookies")
def cookies() -> Response:
    response = Response(200, {"X-Frame-Options": "ALLOWALL"}, "")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@app.get("/old")
def old() -> Response:
    return Response(302, {"location": "/"}, "")


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(sys.argv[1]))
