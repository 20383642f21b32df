"""What an agent that runs for real refuses, remembers and answers."""

import asyncio
import json
import threading
from contextlib import ExitStack

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from network import Easy
from processes import Deployed, free_port, hedgerow, listens, wait_until
from test_agent_processes import COLUMNS, USERS, catalog, visits

from hedgerow.client.api import Admitted, Api
from hedgerow.client.member import Member
from hedgerow.client.models import Models
from hedgerow.client.profile import SETTINGS, Profile
from hedgerow.client.sources import Table, fold_of
from hedgerow.client.store import Store
from hedgerow.client.taking_part import take_part
from hedgerow.data.columns import Columns
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.identity import Certificate, Identity, public
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.security import parties
from hedgerow.server.storage import tables
from hedgerow.server.tasks.task import Task

GUARD = {
    "minimum": 2,
    "adversaries": 0.0,
    "dropouts": 0.0,
    "semi_malicious": False,
    "consistency": False,
    "tasks": ["shop", "again"],
}


class Held(Easy):
    """A conscience that thinks for long before its vector is sent."""

    def __init__(self):
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def commit(self, ask, session):
        self.reached.set()
        assert self.go_on.wait(90)


def member_of(deployed, token, conscience):
    """Enrol a silo that lives in the test."""
    key, known = Ed25519PrivateKey.generate(), parties.load_deployment(deployed.folder)
    source = Table(visits(7), columns=Columns(user_id="who", item_id="what", timestamp="moment"))

    async def enrol():
        async with httpx.AsyncClient(base_url=deployed.url, trust_env=False) as http:
            return await Api(http).enrol(token, key)

    found = asyncio.run(enrol())
    return Member(
        Identity(key, from_wire(Certificate, found.certificate)),
        known.authority,
        known.servers,
        USERS,
        lambda catalog, _held_out: fold_of(source, catalog).fold,
        conscience,
        Models(),
    )


async def live(deployed, member, over):
    """Take part in whatever there is."""
    async with httpx.AsyncClient(base_url=deployed.url, trust_env=False) as http:
        api = Api(http, member.identity.key, audience=deployed.url)
        while not over.is_set():
            admitted = await api.check_in(wait=1)
            if isinstance(admitted, Admitted):
                await take_part(api, member, admitted)


def test_an_agent_killed_with_its_vector_sent_is_in_no_second_sum(tmp_path):
    policy = Policy(
        epsilon=8.0,
        secure="pairwise",
        minimum=2,
        adversaries=0.0,
        dropouts=0.34,
        semi_malicious=False,
        clip=2.0,
    )
    asked = Task(
        name="shop",
        model="als",
        options={"dimension": 2, "rounds": 1},
        catalog="",
        policy=policy,
        measure="none",
        gather_seconds=20,
        phase_seconds=3,
    )
    for number in (0, 1):
        visits(number).write_csv(tmp_path / f"{number}.csv")
    (tmp_path / "guard.json").write_text(json.dumps(GUARD))
    agents, held = [tmp_path / "a", tmp_path / "b"], Held()
    with ExitStack() as stack:
        deployed = stack.enter_context(Deployed(tmp_path / "shop"))
        deployed.serve()
        member = member_of(deployed, deployed.token("here", USERS), held)
        first = [
            "--deployment",
            deployed.deployment,
            "--guard",
            tmp_path / "guard.json",
            "--consent",
            "train",
        ]
        data = [["--data", tmp_path / f"{number}.csv", *COLUMNS] for number in (0, 1)]
        running = []
        for agent, own in zip(agents, data, strict=True):
            token = deployed.token(agent.name, USERS)
            running.append(deployed.join(agent, *first, "--token", token, *own))
        wait_until(lambda: len(deployed.rows(tables.clients)) == 3, deployed.said)
        deployed.task(asked, catalog())
        over = threading.Event()
        here = threading.Thread(target=lambda: asyncio.run(live(deployed, member, over)))
        here.start()
        try:
            assert held.reached.wait(60), deployed.said()
            sent = (tables.messages.c.kind == "masked",)
            wait_until(lambda: len(deployed.rows(tables.messages, *sent)) == 2, deployed.said)
            running[0].kill()
            running[0] = deployed.join(agents[0], *data[0])
            held.go_on.set()
            deployed.wait_for_the_run()
        finally:
            held.go_on.set()
            over.set()
            here.join(60)
        assert [program.stop() for program in running] == [0, 0]
        rounds = deployed.rows(tables.rounds)
    assert {row.phase for row in rounds} == {"done"}
    # The vector of the killed one counts, since the others opened the sum.
    assert all(json.loads(row.stats)["contributors"] == 3 for row in rounds)
    store = Store(agents[0])
    stages = [(answer.release, answer.stage) for answer in store.journal.answers()]
    store.close()
    assert stages[0] == (json.loads(rounds[0].stats)["release"], "masked")
    assert len({release for release, _ in stages}) == len(stages) == len(rounds)


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """A deployment that has trained on two silos, of which the first goes on listening."""
    folder = tmp_path_factory.mktemp("standing")
    for number in (0, 1):
        visits(number).write_csv(folder / f"{number}.csv")
    (folder / "guard.json").write_text(json.dumps(GUARD))
    port = free_port()
    with Deployed(folder / "shop") as deployed:
        deployed.serve_both()
        policy = Policy(secure="split", minimum=2, adversaries=0.0, dropouts=0.0, clip=2.0)
        asked = Task(
            name="shop",
            model="als",
            options={"dimension": 2, "rounds": 1},
            catalog="",
            policy=policy,
            measure="none",
        )
        (folder / "plain.json").write_text(json.dumps({**GUARD, "epsilon": None}))
        first = ["--deployment", deployed.deployment, "--guard", folder / "plain.json"]
        running = []
        for number, options in enumerate(
            (["--recommend", "shop", "--listen", f"127.0.0.1:{port}"], [])
        ):
            token = deployed.token(f"silo-{number}", USERS)
            data = ["--data", folder / f"{number}.csv", *COLUMNS]
            agreed = ["--consent", "train,recommend"]
            deployed.task(asked, catalog()) if not number else None
            running.append(
                deployed.join(
                    folder / str(number), *first, "--token", token, *data, *agreed, *options
                )
            )
        deployed.wait_for_the_run()
        yield deployed, running, port


def test_a_click_changes_the_next_recommendation(standing):
    deployed, _, port = standing
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: listens(port), deployed.said)
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        wait_until(lambda: http.get("/health").json()["status"] == "ok", deployed.said, 60)
        who = {"user": "person-0-1", "k": 5}
        before = http.get("/recommend", params=who).json()["items"]
        assert len(before) == 5
        clicked = before[0]["item_id"]
        known = set(visits(0).filter(visits(0)["who"] == "person-0-1")["what"])
        assert not known & {item["item_id"] for item in before}
        told = http.post("/track", json={"user": "person-0-1", "item": clicked})
        assert told.status_code == 201
        after = http.get("/recommend", params=who).json()["items"]
        assert clicked not in {item["item_id"] for item in after}
        assert [item["score"] for item in after] != [item["score"] for item in before[1:]]


def silo(deployed, folder, *options, name, guard=None):
    """Return the arguments with which a fresh silo's agent comes once."""
    (folder / f"{name}.json").write_text(json.dumps({**GUARD, **(guard or {})}))
    first = ["--deployment", deployed.deployment, "--token", deployed.token(name, USERS)]
    own = ["--guard", folder / f"{name}.json", "--data", folder / "0.csv", *COLUMNS]
    return [*first, *own, "--once", *options]


def has_sent(deployed, folder):
    """Whether a message of an agent is stored, whatever others do meanwhile."""
    if not (folder / SETTINGS).exists():
        return False
    client = public(Profile.open(folder).key).hex()
    return any(row.client == client for row in deployed.rows(tables.messages))


def test_what_people_did_not_agree_to_is_not_done(standing, tmp_path):
    deployed, running, _ = standing
    for program in running[1:]:
        program.stop()
    visits(0).write_csv(tmp_path / "0.csv")
    policy = Policy(epsilon=4.0, secure="split", minimum=2, adversaries=0.0, dropouts=0.0, clip=2.0)
    again = Task(
        name="again",
        model="popularity",
        options={},
        catalog="",
        policy=policy,
        measure="none",
        gather_seconds=3600,
    )
    deployed.task(again, catalog())
    wait_until(
        lambda: any(row.phase == "report" for row in deployed.rows(tables.rounds)), deployed.said
    )
    cases = {
        "silent": ([], {}, "Nobody here has agreed"),
        "withdrawn": (["--consent", "train", "--withdraw", "train"], {}, "Nobody here has agreed"),
        "strict": (["--consent", "train"], {"epsilon": 1.0}, "promises a larger epsilon"),
        "crowded": (["--consent", "train"], {"minimum": 20}, "is too few"),
    }
    for name, (options, guard, said) in cases.items():
        arguments = silo(deployed, tmp_path, *options, name=name, guard=guard)
        found = hedgerow("join", tmp_path / name, *arguments)
        assert found.returncode == 0
        (refusal,) = [line for line in found.stderr.splitlines() if "did not take part" in line]
        assert said in refusal, found.stderr
        store = Store(tmp_path / name)
        assert store.journal.answers() == []
        store.close()
        assert not has_sent(deployed, tmp_path / name)
    agreed = silo(deployed, tmp_path, "--consent", "train", name="willing", guard={"epsilon": 4.0})
    willing = deployed.join(tmp_path / "willing", *agreed)
    wait_until(lambda: has_sent(deployed, tmp_path / "willing"), deployed.said)
    willing.kill()
