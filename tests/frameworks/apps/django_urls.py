"""The views of the Django applications."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path, re_path
from django.views.static import serve

notes: list[bytes] = []


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "page.html")


def write(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        notes.append(request.body)
    return HttpResponse(str(len(notes)))


def error(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("not caught")


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(headers={"X-Frame-Options": "ALLOWALL"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def old(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse([b"one ", b"two ", b"three"])


urlpatterns = [
    path("", page),
    path("notes", write),
    path("error", error),
    path("cookies", cookies),
    path("old", old),
    path("stream", stream),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": Path(__file__).with_name("static")}),
]
