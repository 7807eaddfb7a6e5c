"""The applications of this environment, each opened once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from clients import APPS, Asgi, Server, Wsgi, opened
from matrix import ENVIRONMENT, HERE, Framework

sys.path.insert(0, str(APPS))
sys.dont_write_bytecode = True
# these are about frameworks of one environment
OF_MAIN = ["test_cors.py", "test_django.py", "test_fastapi.py", "test_flask.py", "test_grade.py", "test_hooked.py"]
collect_ignore = [] if ENVIRONMENT == "main" else OF_MAIN
# the applications read `mantlet.toml` of the folder they are started in
os.chdir(APPS)


@pytest.fixture(scope="session", params=HERE, ids=lambda framework: framework.app)
def framework(request: pytest.FixtureRequest) -> Framework:
    return request.param


@pytest.fixture(scope="session")
def client(framework: Framework, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asgi | Wsgi | Server]:
    client = opened(framework.app, framework.how, tmp_path_factory.mktemp("logs") / f"{framework.app}.log")
    yield client
    client.close()
