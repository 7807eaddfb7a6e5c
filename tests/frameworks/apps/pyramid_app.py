"""Pyramid inside the middleware."""

# doc: begin
from mantlet import Mantlet
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPInternalServerError
from pyramid.request import Request
from pyramid.response import Response


def page(request: Request) -> Response:
    nonce = request.environ["mantlet"].nonce
    return Response(f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>')


def broken(error: Exception, request: Request) -> Response:
    return HTTPInternalServerError()


# doc: end

notes: list[bytes] = []


def write(request: Request) -> Response:
    if request.method == "POST":
        notes.append(request.body)
    return Response(str(len(notes)))


def error(request: Request) -> Response:
    raise RuntimeError("not caught")


def old(request: Request) -> Response:
    return HTTPFound("/")


def stream(request: Request) -> Response:
    return Response(app_iter=iter([b"one ", b"two ", b"three"]))


# doc: begin
with Configurator() as config:
    config.add_route("page", "/")
    config.add_view(page, route_name="page")
    # without a view for exceptions the server answers them, outside of the policy
    config.add_exception_view(broken, context=Exception)
    # doc: end
    for view in (write, error, old, stream):
        name = {"write": "notes"}.get(view.__name__, view.__name__)
        config.add_route(name, f"/{name}")
        config.add_view(view, route_name=name)
    config.add_static_view("static", f"{__file__.rpartition('/')[0]}/static")
# doc: begin
app = Mantlet(config.make_wsgi_app(), policy="mantlet.toml")
# doc: end
