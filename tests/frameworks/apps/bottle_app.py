"""Bottle inside the middleware."""

from collections.abc import Iterator

# doc: begin
from bottle import Bottle, HTTPResponse, redirect, request, static_file
from mantlet import Mantlet

site = Bottle()


@site.get("/")
def page() -> str:
    nonce = request.environ["mantlet"].nonce
    return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


app = Mantlet(site, policy="mantlet.toml")
# doc: end

notes: list[bytes] = []


@site.route("/notes", method=["GET", "POST"])
def write() -> str:
    if request.method == "POST":
        notes.append(request.body.read())
    return str(len(notes))


@site.get("/error")
def error() -> str:
    raise RuntimeError("not caught")


@site.get("/old")
def old() -> None:
    redirect("/")


@site.get("/stream")
def stream() -> Iterator[bytes]:
    yield from (b"one ", b"two ", b"three")


@site.get("/static/<name>")
def static(name: str) -> HTTPResponse:
    return static_file(name, root="static")
