"""The blocks of docs/frameworks.md are the marked parts of the applications: `python document.py` writes them there.

A block follows a line `<!-- NAME -->`, where `apps/NAME` is the file. Of its imports only those are shown that it uses.
"""

from __future__ import annotations

import ast
import pathlib
import re
import textwrap

FOLDER = pathlib.Path(__file__).resolve().parent
DOCUMENT = FOLDER.parents[1] / "docs" / "frameworks.md"
BLOCK = re.compile(r"<!-- (\S+) -->\n+```(\w+)\n(.*?)```\n", re.DOTALL)


def marked(path: pathlib.Path) -> str:
    """What stands between `# doc: begin` and `# doc: end`, or the whole file where nothing is marked."""
    text = path.read_text()
    parts = re.findall(r"^ *# doc: begin\n(.*?)^ *# doc: end\n", text, re.DOTALL | re.MULTILINE)
    if not parts:
        return text
    whole = "\n\n\n".join(textwrap.dedent(part).strip("\n") for part in parts)
    return re.sub(r"\n{4,}", "\n\n\n", shown(whole)).strip("\n") + "\n"


def shown(source: str) -> str:
    """`source` without the imports that it does not use."""
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = source.splitlines()
    for node in reversed(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [name for name in node.names if (name.asname or name.name.split(".")[0]) in used]
            node.names = names
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node)] if names else []
    return "\n".join(lines) + "\n"


def written(document: str) -> str:
    """The document with every block as its file has it."""

    def block(found: re.Match[str]) -> str:
        return f"<!-- {found[1]} -->\n```{found[2]}\n{marked(FOLDER / 'apps' / found[1])}```\n"

    return BLOCK.sub(block, document)


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
