"""Three parties in three folders, over TLS: the coordinator's holds neither of the others' keys."""

import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from here import refusal, runner
from processes import Program, free_port, hedgerow, listens, wait_until

from hedgerow.client.profile import Profile
from hedgerow.errors import ProtocolError
from hedgerow.federation.deployment import Deployment
from hedgerow.privacy.secure.split.messages import Forward
from hedgerow.server.helper.remote import RemoteHelper
from hedgerow.server.security import parties


@dataclass
class Federation:
    """The folders of three parties, and their servers."""

    folder: Path
    stack: ExitStack
    ports: dict = field(default_factory=dict)

    def __post_init__(self):
        self.ports = {role: free_port() for role in parties.FILES}
        for role in ("helper", "authority"):
            self.init(role)
        self.init(
            *("coordinator", "--url", self.url("coordinator")),
            *("--helper", self.folder / "helper" / parties.HELPER_HALF),
            *("--authority", self.folder / "authority" / parties.AUTHORITY_HALF),
        )
        self.init("helper", "--deployment", self.deployment)

    def init(self, role, *options):
        found = hedgerow("init", self.folder / role, "--role", role, *options)
        assert found.returncode == 0, found.stderr

    def url(self, role):
        return f"https://127.0.0.1:{self.ports[role]}"

    @property
    def deployment(self):
        return self.folder / "coordinator" / parties.DEPLOYMENT

    def serve(self, role, *options):
        said, port = self.folder / f"{role}.log", self.ports[role]
        command = ("serve", self.folder / role, "--role", role, "--port", port, *options)
        program = Program.start(said, *command)
        self.stack.callback(program.stop)
        wait_until(lambda: listens(port) or program.process.poll() is not None, "it does not start")
        assert program.process.poll() is None, program.text
        return program

    def join(self, command, name, *options):
        ca = self.folder / "coordinator" / parties.CA
        first = ("--deployment", self.deployment, "--ca", ca, "--any-task", "--once")
        return command("join", self.folder / name, *first, *options)


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    with ExitStack() as stack:
        made = Federation(tmp_path_factory.mktemp("apart"), stack)
        made.serve("helper")
        made.serve("authority")
        links = ("--helper", made.url("helper"), "--authority", made.url("authority"))
        made.serve("coordinator", *links)
        yield made


@pytest.fixture
def command(monkeypatch, capsys):
    return runner(monkeypatch, capsys)


def tokens(federation, name, count=1):
    """Make tokens at the authority, where its folder is."""
    made = hedgerow("enrol", "--at", federation.folder / "authority", "--name", name,
                    "--users", 5, "--count", count)  # fmt: skip
    assert made.returncode == 0, made.stderr
    return [line.split()[1] for line in made.stdout.splitlines()[:-1]]


def test_a_silo_joins_with_a_token_of_the_authority(federation, command):
    (token,) = tokens(federation, "north")
    found = federation.join(command, "north", "--token", token)
    assert "Enrolled as the silo north, for 5 users" in found.stderr
    profile = Profile.open(federation.folder / "north")
    profile.certificate.check(Deployment.from_json(federation.deployment.read_bytes()).authority)


def test_several_tokens_are_made_at_once_and_each_counts_once(federation, command):
    first, second = tokens(federation, "west", count=2)
    assert "west-1" in federation.join(command, "west", "--token", first).stderr
    assert "used already" in refusal(federation.join(command, "east", "--token", first))
    assert "west-2" in federation.join(command, "east", "--token", second).stderr


def test_the_coordinator_s_folder_makes_no_tokens(federation, command):
    """Not by itself, and not for an operator."""
    folder = federation.folder / "coordinator"
    here = command("enrol", "--at", folder, "--name", "invented")
    assert "leave --at out" in refusal(here)
    key = hedgerow("access-key", folder, "operator").stdout.strip()
    asked = ("--url", federation.url("coordinator"), "--ca", folder / parties.CA, "--key", key)
    assert "not on this host" in refusal(command("enrol", "--name", "invented", *asked))
    assert not (folder / "authority").exists()


def test_whoever_has_no_authority_s_folder_makes_no_tokens(command, tmp_path):
    assert "cannot be read" in refusal(command("enrol", "--at", tmp_path, "--name", "a"))
    assert not any(tmp_path.iterdir())


def ready_at(port, ca):
    context = ssl.create_default_context(cafile=str(ca))
    with httpx.Client(verify=context, trust_env=False) as http:
        return http.get(f"https://127.0.0.1:{port}/readyz").json()["parts"]


def answer_to(federation, folder):
    """What the helper says to a coordinator that asks for nothing."""
    _, own = parties.coordinator_of(folder)
    context = ssl.create_default_context(cafile=str(federation.folder / "helper/helper/ca.pem"))
    with httpx.Client(base_url=federation.url("helper"), verify=context, trust_env=False) as http:
        with pytest.raises(ProtocolError) as refused:
            RemoteHelper(http, own.signing).judge(Forward(bytes(32), ()))
        return refused.value.code


def test_the_helper_serves_the_coordinator_that_it_pinned_and_no_other(federation, tmp_path):
    assert answer_to(federation, federation.folder / "coordinator") == "bad-message"
    half = federation.folder / "helper" / parties.HELPER_HALF
    other = tmp_path / "other"
    made = hedgerow("init", other, "--role", "coordinator", "--helper", half)
    assert made.returncode == 0, made.stderr
    assert answer_to(federation, other) == "bad-signature"
    pinned = hedgerow("init", federation.folder / "helper", "--role", "helper",
                      "--deployment", other / parties.DEPLOYMENT)  # fmt: skip
    assert "pinned another deployment" in pinned.stderr
    assert answer_to(federation, federation.folder / "coordinator") == "bad-message"


def test_another_helper_s_certificate_is_not_taken(federation, tmp_path):
    """The coordinator knows the helper's TLS by helper.json, and nobody else's counts."""
    with ExitStack() as stack:
        other = Federation(tmp_path, stack)
        other.serve("helper")
        links = ("--helper", other.url("helper"), "--authority", federation.url("authority"))
        said, port = tmp_path / "again.log", free_port()
        command = ("serve", federation.folder / "coordinator", "--port", port, *links)
        program = Program.start(said, *command)
        stack.callback(program.stop)
        wait_until(lambda: listens(port), program.text)
        ready = ready_at(port, federation.folder / "coordinator" / parties.CA)
    assert ready == {"database": True, "blobs": True, "helper": False}
