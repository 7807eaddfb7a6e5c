"""Morepath inside the middleware."""

import pathlib

# doc: begin
import morepath
from mantlet import Mantlet
from morepath.request import Request, Response
from webob.static import FileApp


class Site(morepath.App):
    pass


@Site.path(path="")
class Root:
    pass


@Site.html(model=Root)
def page(root: Root, request: Request) -> str:
    nonce = request.environ["mantlet"].nonce
    return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


@Site.view(model=Exception)  # without it the server answers, outside of the policy
def broken(error: Exception, request: Request) -> Response:
    return Response("Internal Server Error", status=500)


# doc: end

notes: list[bytes] = []


@Site.path(path="notes")
class Notes:
    pass


@Site.view(model=Notes)
def count(model: Notes, request: Request) -> str:
    return str(len(notes))


@Site.view(model=Notes, request_method="POST")
def note(model: Notes, request: Request) -> str:
    notes.append(request.body)
    return str(len(notes))


@Site.path(path="error")
class Broken:
    pass


@Site.view(model=Broken)
def error(model: Broken, request: Request) -> str:
    raise RuntimeError("not caught")


@Site.path(path="old")
class Old:
    pass


@Site.view(model=Old)
def old(model: Old, request: Request) -> Response:
    return morepath.redirect("/")


@Site.path(path="stream")
class Stream:
    pass


@Site.view(model=Stream)
def stream(model: Stream, request: Request) -> Response:
    return Response(app_iter=iter([b"one ", b"two ", b"three"]))


@Site.path(path="static/{name}")
class File:
    def __init__(self, name: str) -> None:
        self.name = name


@Site.view(model=File)
def static(model: File, request: Request) -> Response:
    return request.get_response(FileApp(str(pathlib.Path(__file__).with_name("static") / model.name)))


# doc: begin
Site.commit()
app = Mantlet(Site(), policy="mantlet.toml")
# doc: end
