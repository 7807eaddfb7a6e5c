"""The grade of a FastAPI application, as its own tests hold it."""

from fastapi_app import app  # noqa: I001, that the document need not show it

# doc: begin
import mantlet
from fastapi.testclient import TestClient

client = TestClient(app, base_url="https://127.0.0.1")


def test_the_headers_stay_good() -> None:
    page = mantlet.audit(client.get("/"), again=client.get("/"), not_found=client.get("/no-such-page"))
    assert page.grade >= "A", page


# doc: end
