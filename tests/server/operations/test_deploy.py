"""What is shipped to run servers with: it can be read, and names what the program has."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from hedgerow.cli.main import app
from hedgerow.server.operations.metrics import Metrics
from hedgerow.server.operations.stored import StoredMetrics

DEPLOY = Path(__file__).parents[3] / "deploy"
CHART = DEPLOY / "helm" / "hedgerow"


def looked_up(values, name):
    for part in name.split("."):
        values = values[part]
    return values


def rendered(name, **changed):
    """Fill a template in, as far as this chart's few constructs go."""
    values = {**yaml.safe_load((CHART / "values.yaml").read_text()), **changed}
    known = {"Values": values, "Release": {"Name": "trial"}}
    text = (CHART / "templates" / name).read_text()
    text = re.sub(
        r" *\{\{- if \.(\S+) \}\}\n(.*?) *\{\{- end \}\}\n",
        lambda m: m[2] if looked_up(known, m[1]) else "",
        text,
        flags=re.DOTALL,
    )
    text = re.sub(r"\{\{ toJson \.(\S+) \}\}", lambda m: json.dumps(looked_up(known, m[1])), text)
    text = re.sub(r"\{\{ \.(\S+) \}\}", lambda m: str(looked_up(known, m[1])), text)
    assert "{{" not in text
    return yaml.safe_load(text)


def options_of(command):
    """Return the options that a command's help names."""
    found = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert found.exit_code == 0
    return set(re.findall(r"--[a-z-]+", found.output)), found.output


@pytest.mark.parametrize(
    "changed",
    [
        {"helper": "https://helper.example", "authority": "https://who.example"},
        {"role": "helper", "replicas": 1},
        {"role": "authority", "replicas": 1},
    ],
)
def test_the_chart_makes_what_belongs_together(changed):
    deployment = rendered("deployment.yaml", **changed)
    service, budget = rendered("service.yaml"), rendered("disruption.yaml")
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= pod["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    role = changed.get("role", "coordinator")
    assert f"/data/{role}" in [mount["mountPath"] for mount in container["volumeMounts"]]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    options, _ = options_of("serve")
    used = {argument.split("=")[0] for argument in container["args"] if argument[:2] == "--"}
    assert used <= options
    assert ({"--helper", "--authority"} <= used) == (role == "coordinator")
    # Nothing of another party is mounted.
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert [path for path in mounts if path.startswith("/data/")] == [
        f"/data/{role}",
        "/data/public",
    ]


def test_the_composition_names_volumes_secrets_and_options_that_there_are():
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in found["services"].items():
        assert set(service.get("networks", [])) <= set(found["networks"]), name
        assert set(service.get("secrets", [])) <= set(found["secrets"])
        assert set(service.get("depends_on", [])) <= set(found["services"])
        volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert {v for v in volumes if not v.startswith(".")} <= set(found["volumes"])
        if name != "database":
            command = service["command"]
            options, _ = options_of(command[0])
            assert {c.split("=")[0] for c in command if c[:2] == "--"} <= options
    # Whoever runs all parties on one host is told what that is worth.
    assert "--rehearsal" in found["services"]["init"]["command"]
    networks = {name: set(s.get("networks", [])) for name, s in found["services"].items()}
    assert not networks["helper"] & networks["database"]


def test_the_servers_read_the_environment_that_is_set_for_them():
    _, text = options_of("serve")
    for name in ("HEDGEROW_HOST", "HEDGEROW_DATABASE", "HEDGEROW_BLOBS"):
        assert name in text


def test_alerts_ask_for_metrics_that_there_are_and_are_explained(sqlite):
    alerts = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())
    text = Metrics(StoredMetrics(sqlite, lambda: 0.0)).text().decode()
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    runbook = (DEPLOY.parent / "docs" / "runbook.md").read_text()
    for rule in alerts["groups"][0]["rules"]:
        for name in re.findall(r"\bhedgerow_[a-z_]+", rule["expr"]):
            assert known & {name, name.removesuffix("_bucket"), f"{name}_total"}, name
        assert rule["alert"] in runbook
