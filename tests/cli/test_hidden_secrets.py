"""Secrets come from files and standard input, too: then no command line shows them."""

import io
import sys
from pathlib import Path

import pytest
from here import refusal, runner
from processes import Deployed, Program, wait_until

from hedgerow.cli.hidden import revealed
from hedgerow.errors import ConfigError


@pytest.fixture
def command(monkeypatch, capsys):
    return runner(monkeypatch, capsys)


def test_a_value_is_itself_or_read_elsewhere(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text("  het_file \nmore\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("het_input\n"))
    values = {None: None, "": "", "het_x": "het_x", f"@{file}": "het_file", "-": "het_input"}
    assert {value: revealed(value) for value in values} == values


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_what_holds_no_secret_is_refused(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=str(file)):
        revealed(f"@{file}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("join", "agent", "--token"),
        ("join", "agent", "--listen-token"),
        ("join", "agent", "--data"),
        ("clients", "list", "--key"),
        ("serve", "keys", "--database"),
        ("access-key", "keys", "me", "--database"),
        ("backup", "keys", "out", "--database"),
        ("restore", "keys", "out", "--database"),
        ("simulate",),
    ],
)
def test_every_secret_may_be_hidden(command, tmp_path, arguments):
    assert "The secret cannot be read" in refusal(command(*arguments, f"@{tmp_path / 'none'}"))


def test_no_command_line_shows_a_token(tmp_path):
    with Deployed(tmp_path / "shop") as deployed:
        deployed.serve()
        token, file = deployed.token("silo", 5), tmp_path / "token"
        file.write_text(token + "\n")
        program = Program.start(
            tmp_path / "log", "join", tmp_path / "agent", "--url", deployed.url, "--token",
            f"@{file}", "--deployment", deployed.deployment, "--any-task", "--once",
        )  # fmt: skip
        seen = Path(f"/proc/{program.process.pid}/cmdline").read_bytes()
        wait_until(lambda: program.process.poll() is not None, lambda: program.text)
        assert "Enrolled as the silo silo" in program.text
        assert token.encode() not in seen
        assert token not in program.text
