"""Flask with the extension."""

# doc: begin
from flask import Flask, Response, redirect, render_template_string, request
from mantlet.flask import Mantlet

app = Flask(__name__)
mantlet = Mantlet(app, policy="mantlet.toml")  # or Mantlet() and mantlet.init_app(app)


@app.get("/")
def page() -> str:
    return render_template_string('<!doctype html><title>Hello</title><script nonce="{{ csp_nonce() }}">1</script>')


# doc: end

notes: list[bytes] = []


@app.route("/notes", methods=["GET", "POST"])
def write() -> str:
    if request.method == "POST":
        notes.append(request.get_data())
    return str(len(notes))


@app.get("/error")
def error() -> str:
    raise RuntimeError("not caught")


@app.get("/old")
def old() -> Response:
    return redirect("/")


@app.get("/stream")
def stream() -> Response:
    return Response(iter([b"one ", b"two ", b"three"]))
