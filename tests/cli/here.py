"""Commands run in this process, where they only have to say what is wrong."""

import sys
from types import SimpleNamespace

from hedgerow.cli.main import main


def runner(monkeypatch, capsys):
    """Return what runs a command and gives its status and what it printed."""
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hedgerow", *map(str, arguments)])
        capsys.readouterr()  # what was said before is not the command's
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=status or 0, stdout=printed.out, stderr=printed.err)

    return run


def refusal(found):
    """Return the one sentence with which a command ended."""
    assert found.returncode == 1, found.stderr
    assert "Traceback" not in found.stderr
    said = [line for line in found.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1, found.stderr
    assert said[0].endswith(".")
    return said[0]
