"""Agents as people run them: three silos, each with its own kind of data, over mutual TLS."""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import sqlalchemy
from processes import Deployed, Proxy, wait_until

from hedgerow.client.store import Store
from hedgerow.data.interactions import Interactions
from hedgerow.models.als import ALS
from hedgerow.models.registry import options_of
from hedgerow.privacy.policy import Policy
from hedgerow.server.security.certificates import issue_client
from hedgerow.server.storage import tables
from hedgerow.server.tasks.task import Task

ITEMS, USERS = 12, 6

GUARD = {
    "minimum": 3,
    "adversaries": 0.0,
    "dropouts": 0.0,
    "semi_malicious": False,
    "tasks": ["shop"],
}


def visits(silo):
    """Return a silo's table, with columns of its own names."""
    rng = np.random.default_rng(silo)
    rows = [
        (f"person-{silo}-{user}", f"thing-{item}")
        for user in range(USERS)
        for item in rng.choice(ITEMS, size=5, replace=False).tolist()
    ]
    return pl.DataFrame(
        {
            "who": [who for who, _ in rows],
            "what": [what for _, what in rows],
            "moment": list(range(1_700_000_000, 1_700_000_000 + len(rows))),
        }
    )


COLUMNS = [
    part
    for pair in ("user_id=who", "item_id=what", "timestamp=moment")
    for part in ("--columns", pair)
]


def catalog():
    everything = pl.concat([visits(silo) for silo in range(3)]).rename(
        {"who": "user_id", "what": "item_id", "moment": "timestamp"}
    )
    return Interactions.read(everything).catalog


def task(secure, recipe, **changed):
    policy = Policy(epsilon=8.0, secure=secure, minimum=3, adversaries=0.0, dropouts=0.0, clip=2.0)
    return Task(
        name="shop",
        model=recipe.name,
        options=options_of(recipe),
        catalog="",
        policy=policy,
        gather_seconds=60,
        phase_seconds=60,
        **changed,
    )


@pytest.fixture(scope="module")
def postgres_url():
    """A server of this module alone; it refuses to run as root, so it runs as nobody."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("needs PostgreSQL's initdb and pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    become = []
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def run(name, *arguments):
        command = [*become, name, "-D", folder / "data", *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
        options = f"-c listen_addresses= -k {folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--silent", f"--log={folder / 'log'}", f"-o {options}")
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        run("pg_ctl", "stop", "--mode=immediate", "--silent")
    finally:
        shutil.rmtree(folder)


@dataclass
class Seen:
    """What was seen of a whole run."""

    deployed: Deployed
    agents: list
    asked: list
    refused: str
    killed_at: int
    endings: list


@pytest.fixture(scope="module")
def seen(tmp_path_factory, postgres_url):
    """Let three silos train to the end, one behind a proxy, and one killed on the way."""
    folder = tmp_path_factory.mktemp("silos")
    visits(0).write_csv(folder / "visits.csv")
    visits(1).write_parquet(folder / "visits.parquet")
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE visits (who text, what text, moment bigint)")
        rows = [dict(zip(("a", "b", "c"), row, strict=True)) for row in visits(2).rows()]
        connection.execute(sqlalchemy.text("INSERT INTO visits VALUES (:a, :b, :c)"), rows)
    engine.dispose()
    (folder / "guard.json").write_text(json.dumps(GUARD))
    agents = [folder / name for name in ("csv", "parquet", "postgres")]
    data = [
        ["--data", folder / "visits.csv"],
        ["--data", folder / "visits.parquet"],
        ["--data", postgres_url, "--query", "SELECT who, what, moment FROM visits"],
    ]
    with ExitStack() as stack:
        deployed = stack.enter_context(
            Deployed(folder / "shop", plain=False, certificates="required")
        )
        proxy = stack.enter_context(Proxy())
        deployed.task(task("split", ALS(dimension=2, rounds=2), measure="end"), catalog())
        deployed.serve_both()
        first = [
            "--deployment",
            deployed.deployment,
            "--ca",
            deployed.ca,
            "--guard",
            folder / "guard.json",
        ]
        stranger = deployed.join(
            folder / "stranger", *first, "--token", deployed.token("stranger", USERS), *data[0]
        )
        running = []
        for number, agent in enumerate(agents):
            own = issue_client(deployed.folder, agent.name)
            shown = ["--certificate", own / "tls.pem", "--certificate-key", own / "tls.key"]
            token = ["--token", deployed.token(agent.name, USERS)]
            agreed = ["--consent", "train,measure", "--consent-by", "the board"]
            through = {"HTTPS_PROXY": proxy.url} if number == 0 else {}
            options = [*first, *token, *shown, *agreed, *data[number], *COLUMNS]
            running.append(deployed.join(agent, *options, **through))
        # In the middle: the second round is on its way.
        wait_until(lambda: len(deployed.rows(tables.rounds)) > 1, deployed.said)
        running[1].kill()
        killed_at = len(deployed.rows(tables.rounds))
        running[1] = deployed.join(agents[1], *data[1], *COLUMNS)
        deployed.wait_for_the_run()
        wait_until(lambda: stranger.process.poll() is not None, deployed.said)
        endings = [program.stop() for program in running]
        yield Seen(deployed, agents, list(proxy.asked), stranger.text, killed_at, endings)


def test_silos_train_to_the_end(seen):
    steps = len(ALS(dimension=2, rounds=2).charges)
    rounds = seen.deployed.rows(tables.rounds)
    assert len([row for row in rounds if row.phase == "done"]) == steps + 1
    (run,) = seen.deployed.rows(tables.runs)
    quality = [json.loads(row.quality) for row in seen.deployed.rows(tables.models)]
    assert any(found for found in quality)
    assert run.step == steps
    assert [row.model for row in seen.deployed.rows(tables.live)] == [run.state]


def test_a_killed_agent_goes_on_and_is_in_one_sum_of_a_release(seen):
    assert seen.killed_at > 1
    for folder in seen.agents:
        store = Store(folder)
        answers = store.journal.answers()
        store.close()
        sent = [answer.release for answer in answers if answer.stage != "started"]
        assert len(sent) == len(set(sent)) >= 3
    assert seen.agents[1].with_suffix(".log").read_text().count("Enrolled") == 1


def test_agents_end_well_when_they_are_told_to(seen):
    assert seen.endings == [0, 0, 0]


def test_through_a_proxy_there_is_one_kind_of_request(seen):
    assert len(seen.asked) >= 2
    assert set(seen.asked) == {f"CONNECT 127.0.0.1:{seen.deployed.port} HTTP/1.1"}


def test_without_a_certificate_nobody_gets_in(seen):
    assert seen.refused.startswith("error: ")
    assert seen.refused.count("\n") == 1
    assert not (seen.agents[0].parent / "stranger").exists()
    assert {row.name for row in seen.deployed.rows(tables.clients)} == {
        agent.name for agent in seen.agents
    }


def test_no_secret_is_printed(seen):
    said = seen.deployed.said()
    for row in [f"person-{silo}" for silo in range(3)] + ["thing-", "PRIVATE"]:
        assert row not in said
