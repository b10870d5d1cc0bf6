"""The manifests and configurations in packaging/kubernetes are valid."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from support.program import BUSY_S
from support.real import missing, program

from dockcred.identity import turn
from dockcred.providers.ecr import ECR
from dockcred.system.environment import OURS

KUBERNETES = Path(__file__).parents[3] / "packaging/kubernetes"
INSTALL = KUBERNETES / "install"
MANIFESTS = ("daemonset.yaml", "namespace.yaml", "rbac.yaml")
CONFIGS = sorted(path.name for path in INSTALL.glob("configs/*.yaml"))
ECR_CONFIGS = [
    name for name in CONFIGS if ".ecr." in (INSTALL / "configs" / name).read_text()
]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_what_this_kubernetes_takes(name):
    """All fields are known and all values have the type of the API server's schema."""
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed")
    for document in yaml.safe_load_all((INSTALL / name).read_text()):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_validator_is_strict():
    """The validator refuses a field's name with one letter too many."""
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed")
    wrong = (INSTALL / "daemonset.yaml").read_text().replace("hostPath:", "hostPaths:")
    with pytest.raises(Exception, match="hostPaths"):
        kubernetes_validate.validate(yaml.safe_load(wrong), "1.37", strict=True)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_is_what_kubelet_takes_at_its_start(name, kubelet, plugin):
    """Kubelet's own validation: durations, patterns, audiences, annotation keys."""
    bin_dir = str(Path(plugin.path).parent)
    path = str(INSTALL / "configs" / name)
    answer = kubelet("check", path, bin_dir, environment={})
    assert answer.status == 0, answer.stderr


def with_the_fleet(name: str) -> str:
    """Return a configuration with the lines about the fleet's size uncommented."""
    text = (INSTALL / "configs" / name).read_text()
    head, mark, rest = text.partition("    # env:\n")
    assert mark, f"{name} does not say how a fleet's size is told"
    return head + mark.replace("# ", "") + rest.replace("    # ", "    ", 2)


@pytest.mark.parametrize("name", ECR_CONFIGS)
def test_where_ecr_is_named_the_fleet_s_size_can_be_told(name):
    (provider,) = yaml.safe_load(with_the_fleet(name))["providers"]
    (variable,) = provider["env"]
    assert variable["name"] in OURS
    assert turn.told_ends(int(variable["value"]), ECR.quotas)


@pytest.mark.parametrize("name", ECR_CONFIGS)
def test_kubelet_takes_the_fleet_s_size(name, kubelet, plugin, tmp_path):
    path = tmp_path / name
    path.write_text(with_the_fleet(name))
    bin_dir = str(Path(plugin.path).parent)
    answer = kubelet("check", str(path), bin_dir, environment={})
    assert answer.status == 0, answer.stderr


@pytest.mark.parametrize("overlay", ["install", "remove"])
def test_kustomize_builds_it(overlay):
    done = subprocess.run(
        [program("kubectl"), "kustomize", KUBERNETES / overlay],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = {d["kind"]: d for d in yaml.safe_load_all(done.stdout)}
    (container,) = built["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [overlay]
    assert "credential-provider.yaml" in built["ConfigMap"]["data"]
