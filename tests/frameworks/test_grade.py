"""The test of docs/frameworks.md that holds the grade of an application."""

import pathlib
import subprocess
import sys

APPS = pathlib.Path(__file__).with_name("apps")


def test_the_grade_of_the_application_holds() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "fastapi_grade.py"]
    done = subprocess.run(command, cwd=APPS, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
