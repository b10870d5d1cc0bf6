"""The manifests and the configurations."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from support.real import missing, program

KUBERNETES = Path(__file__).parents[3] / "packaging/kubernetes"
INSTALL = KUBERNETES / "install"
MANIFESTS = ("daemonset.yaml", "namespace.yaml", "rbac.yaml")
CONFIGS = sorted(path.name for path in INSTALL.glob("configs/*.yaml"))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_what_this_kubernetes_takes(name):
    """Every field known, every value of its type (the schema of the API server)."""
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed")
    for document in yaml.safe_load_all((INSTALL / name).read_text()):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_validator_is_strict():
    """The oracle itself: one letter more in a field is refused."""
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed")
    wrong = (INSTALL / "daemonset.yaml").read_text().replace("hostPath:", "hostPaths:")
    with pytest.raises(Exception, match="hostPaths"):
        kubernetes_validate.validate(yaml.safe_load(wrong), "1.37", strict=True)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_is_what_kubelet_takes_at_its_start(name, kubelet, plugin):
    """Its own validation: durations, patterns, audiences, annotation keys."""
    bin_dir = str(Path(plugin.path).parent)
    path = str(INSTALL / "configs" / name)
    answer = kubelet("check", path, bin_dir, environment={})
    assert answer.status == 0, answer.stderr


@pytest.mark.parametrize("overlay", ["install", "remove"])
def test_kustomize_builds_it(overlay):
    done = subprocess.run(
        [program("kubectl"), "kustomize", KUBERNETES / overlay],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = {d["kind"]: d for d in yaml.safe_load_all(done.stdout)}
    (container,) = built["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [overlay]
    assert "credential-provider.yaml" in built["ConfigMap"]["data"]
