"""Hooks edit a response by the means of its framework: nothing of the application's gets lost."""

from __future__ import annotations

import pytest
from clients import Asgi, Server, Wsgi
from matrix import HERE

Client = Asgi | Wsgi | Server


@pytest.mark.parametrize("framework", [f for f in HERE if f.hooked], ids=lambda framework: framework.app, indirect=True)
def test_a_hook_keeps_every_cookie_and_has_the_last_word_on_a_header(client: Client) -> None:
    answer = client.ask("GET", "/cookies")
    assert sorted(value.strip()[:3] for name, value in answer.fields if name == "set-cookie") == ["a=1", "b=2"]
    assert answer["x-frame-options"] == "SAMEORIGIN"
