"""One virtual environment for each peer, made on first use and kept in a cache folder.

The requirements files are complete and installed without dependency resolution. Flower's release
asks for a newer certificate bundle than the index had when the versions were pinned, and for
nothing else that is missing; a resolver would refuse it, and a complete list makes the figures
repeatable besides.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_CACHE = HERE.parents[1] / ".venv-peers"


class NotInstalledError(Exception):
    """A peer's environment cannot be made; the message says why, on one line."""


def environment_python(peer: str, cache: Path = DEFAULT_CACHE) -> Path:
    """Return the interpreter of a peer's environment, which is made if missing or out of date.

    Parameters
    ----------
    peer
        The engine's name; its requirements are in ``requirements-<peer>.txt``.
    cache
        Folder of the environments.

    Raises
    ------
    NotInstalledError
        If the requirements cannot be installed here.
    """
    requirements = HERE / f"requirements-{peer}.txt"
    folder = cache / peer
    python = folder / "bin" / "python"
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print(f"making the environment of {peer} in {folder}", file=sys.stderr, flush=True)
        _make(folder, python, requirements)
        stamp.write_text(wanted)
    return python


def _make(folder: Path, python: Path, requirements: Path) -> None:
    try:
        venv.create(folder, clear=True, with_pip=True)
        _pip_install(python, requirements)
    except subprocess.CalledProcessError as error:
        raise NotInstalledError(_last_line(error)) from error
    except OSError as error:
        raise NotInstalledError(str(error)) from error


def _pip_install(python: Path, requirements: Path) -> None:
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", requirements],
        check=True,
        capture_output=True,
        text=True,
    )


def _last_line(error: subprocess.CalledProcessError) -> str:
    # `venv` captures pip's output as bytes, and without its error stream.
    output = error.stderr or error.output or ""
    text = output.decode(errors="replace") if isinstance(output, bytes) else output
    lines = [line for line in text.splitlines() if line.startswith("ERROR")] or text.splitlines()
    return lines[-1] if lines else str(error)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(environment_python(name))
