"""The examples of docs/migrating-from-secure.md run, and say what is so."""

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "migrating-from-secure.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example):
    exec(compile(example, str(DOCUMENT), "exec"), {})


def test_there_are_examples():
    assert len(EXAMPLES) >= 4
