"""The document shows the applications that the tests ask, and no others."""

from document import BLOCK, DOCUMENT, written
from matrix import MATRIX


def test_every_block_of_the_document_is_its_application() -> None:
    text = DOCUMENT.read_text()
    assert text == written(text), "run tests/frameworks/document.py"


def test_every_application_is_in_the_document() -> None:
    blocks = {name for name, _, _ in BLOCK.findall(DOCUMENT.read_text())}
    assert {f"{framework.app}.py" for framework in MATRIX} <= blocks


def test_every_python_block_of_the_document_comes_from_a_file() -> None:
    text = DOCUMENT.read_text()
    assert text.count("```python") == sum(language == "python" for _, language, _ in BLOCK.findall(text))
