"""A real API server accepts the manifests, and systemd accepts the units."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from support.program import BUSY_S
from support.real import missing, program

from dockcred.commands.refresh.targets_file import read

from .api_server import REFRESH, kustomized

PACKAGING = Path(__file__).parents[3] / "packaging"
OVERLAYS = {"deployment": "Deployment", "metrics": "Deployment", "cronjob": "CronJob"}
UNITS = [
    "dockcred-refresh.service",
    "dockcred-refresh@apps.service",
    "dockcred-refresh@apps.timer",
]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schema_knows_every_field(overlay):
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed")
    for document in yaml.safe_load_all(kustomized(overlay)):
        kubernetes_validate.validate(document, "1.37", strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_real_api_server_takes_it(overlay, api):
    """It is applied: a dry run fails if the objects' namespace does not exist."""
    said = api.kubectl(
        "apply", "--validate=strict", "-f", "-", stdin=kustomized(overlay)
    )
    assert (
        "cronjob.batch/dockcred-refresh"
        if overlay == "cronjob"
        else "deployment.apps/dockcred-refresh"
    ) in said


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_runs_is_told_the_file_that_is_mounted(overlay, tmp_path):
    documents = {d["kind"]: d for d in yaml.safe_load_all(kustomized(overlay))}
    spec = documents[OVERLAYS[overlay]]["spec"]
    if overlay == "cronjob":
        spec = spec["jobTemplate"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    (name,) = documents["ConfigMap"]["data"]
    assert container["args"][-1] == f"{mount['mountPath']}/{name}"
    assert ("--once" in container["args"]) == (overlay == "cronjob")
    (volume,) = spec["template"]["spec"]["volumes"]
    assert volume["configMap"]["name"] == documents["ConfigMap"]["metadata"]["name"]


def test_the_port_for_prometheus_is_the_one_that_is_named():
    documents = {d["kind"]: d for d in yaml.safe_load_all(kustomized("metrics"))}
    template = documents["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]
    number = str(port["containerPort"])
    assert template["metadata"]["annotations"]["prometheus.io/port"] == number
    assert container["args"][0] == f"--metrics=0.0.0.0:{number}"


def test_the_targets_are_those_that_the_role_allows(tmp_path):
    (target,) = read(str(REFRESH / "base/refresh.toml"))
    documents = yaml.safe_load_all(kustomized("base"))
    (role,) = [d for d in documents if d["kind"] == "ClusterRole"]
    assert role["rules"][0]["resourceNames"] == [target.destination.name]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_verifies(unit, helper_bin, tmp_path):
    analyze = program("systemd-analyze")
    for path in (PACKAGING / "systemd").glob("dockcred-refresh*"):
        text = path.read_text().replace("/usr/local/bin", str(helper_bin))
        name = path.name.replace("@", "@apps")
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [analyze, "verify", "--man=no", tmp_path / unit],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "dockcred" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_a_real_api_server_takes_the_token_service_too(api):
    """Deployment, Service and disruption budget: tested here, with the API server."""
    place = str(PACKAGING / "kubernetes/token-service")
    said = api.kubectl("apply", "--validate=strict", "-k", place)
    for made in (
        "deployment.apps/dockcred-token-service",
        "service/dockcred-token-service",
        "poddisruptionbudget.policy/dockcred-token-service",
    ):
        assert f"{made} created" in said, said


def test_keys_are_one_secret_of_the_page_s_own_commands(api, helper_bin, tmp_path):
    """The names of keygen's files are valid keys of a Secret."""
    keys = tmp_path / "keys"
    keygen = [helper_bin / "dockcred", "token-service", "keygen", "--keys", keys]
    subprocess.run(keygen, check=True, capture_output=True, timeout=BUSY_S)
    name = "dockcred-token-service-keys"
    api.kubectl("create", "secret", "generic", name, f"--from-file={keys}")
    there = api.get("secret", name, "default")["data"]
    assert {"roles.json"} < {*there}
    assert sum(each.startswith("key-") for each in there) == 2
