"""`python -m mantlet`: the `mantlet` program that the wheel carries among its scripts."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NoReturn


def program() -> Path | None:
    """The path of the program; `None` where the package was installed without it."""
    try:
        installed = files("mantlet") or []
    except PackageNotFoundError:
        return None
    for file in installed:
        if file.name in ("mantlet", "mantlet.exe") and (found := Path(str(file.locate()))).is_file():
            return found.resolve()
    return None


def main() -> NoReturn:
    """Becomes the program, with the arguments of this process."""
    path = program()
    if path is None:
        sys.exit(
            "mantlet: this installation has no program; the wheel has it, and `cargo install mantlet-cli` builds it"
        )
    command = [str(path), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(path, command)
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main()
