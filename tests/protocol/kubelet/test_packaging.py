"""The manifests, the configurations, and the directory on a node without Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support.kubelet import password, request
from support.program import Program
from support.real import missing, program, require_root

KUBERNETES = Path(__file__).parents[3] / "packaging/kubernetes"
INSTALL = KUBERNETES / "install"
MANIFESTS = ("daemonset.yaml", "namespace.yaml", "rbac.yaml")
CONFIGS = sorted(path.name for path in INSTALL.glob("configs/*.yaml"))
CHROOT = "/usr/sbin/chroot"
LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "/lib/x86_64-linux-gnu"


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


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    """The directory, as the installer's image holds it."""
    path = f"{Path(os.sys.executable).parent}:/usr/bin:/bin"
    program("/usr/bin/python3")
    if not Path(LOADER).exists():
        missing("Debian's python3 on x86-64 is not installed")
    program("patchelf", path)
    place = tmp_path_factory.mktemp("directory")
    target = place / "dockcred"
    _copy_as_the_image_does(place)
    done = subprocess.run(
        [place / "source/packaging/kubernetes/build-directory.sh", target],
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


def _copy_as_the_image_does(place: Path) -> None:
    """Copy what the Dockerfile's first stage does, below `place`: all that it needs."""
    for line in (KUBERNETES / "Dockerfile").read_text().splitlines():
        word, source, target, *_ = (*line.split(), "", "", "")
        if word != "COPY" or not target.startswith("/source/"):
            continue
        to = place / target[1:] / (Path(source).name if target.endswith("/") else "")
        to.parent.mkdir(parents=True, exist_ok=True)
        copied = KUBERNETES.parents[1] / source
        (shutil.copytree if copied.is_dir() else shutil.copy)(copied, to)


@pytest.fixture
def bare_node(tmp_path):
    """A root with the loader, libc, libm and busybox; no Python, no other library."""
    require_root("chroot")
    root = tmp_path / "node"
    for name in ("lib64", LIBRARIES[1:], "bin", "proc", "dev", "etc", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    busybox = program("busybox")
    shutil.copy(busybox, root / "bin/sh")
    for file in (LOADER, *(f"{LIBRARIES}/lib{n}.so.6" for n in ("c", "m"))):
        shutil.copy(file, root / file[1:])
    shutil.copy(f"{LIBRARIES}/libresolv.so.2", root / LIBRARIES[1:])
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    yield root
    subprocess.run(["umount", root / "proc"], check=True)


def _installer(command: str, root: Path, directory: Path, **more: str):
    config = root.parent / "config"
    config.mkdir(exist_ok=True)
    shutil.copy(INSTALL / "configs/aws.yaml", config / "credential-provider.yaml")
    return subprocess.run(
        [KUBERNETES / "install.sh", command],
        env={
            "PATH": "/usr/sbin:/usr/bin:/bin",
            "HOST": str(root),
            "DIRECTORY": str(directory),
            "CONFIG": str(config),
            "ONCE": "1",
            **more,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _tree(root: Path) -> set[str]:
    found = set()
    for directory, names, files in os.walk(root):
        if directory == str(root):
            names.remove("proc")
        found |= {os.path.join(directory, name) for name in (*names, *files)}
    return found


def test_the_plugin_runs_on_a_node_without_python(directory, bare_node, node, cloud):
    done = _installer("install", bare_node, directory)
    assert done.returncode == 0, done.stderr
    inside = Program(CHROOT)
    environment = node(DOCKCRED_CACHE_DIR="/run/dockcred")
    name = "/opt/dockcred/plugins/dockcred-credential-provider"
    answer = inside(str(bare_node), name, environment=environment, stdin=request())
    assert cloud.minted(password(answer))
    assert (bare_node / "etc/dockcred/credential-provider.yaml").is_file()


def test_what_was_installed_is_removed_without_a_trace(
    directory, bare_node, node, cloud
):
    bins = {"BIN_DIR": "/opt/kubelet-plugins"}
    before = _tree(bare_node)
    assert _installer("install", bare_node, directory, **bins).returncode == 0
    name = "/opt/kubelet-plugins/dockcred-credential-provider"
    answer = Program(CHROOT)(str(bare_node), name, environment=node(), stdin=request())
    assert cloud.minted(password(answer))
    done = _installer("remove", bare_node, directory, **bins)
    assert done.returncode == 0, done.stderr
    cache = str(bare_node) + node()["DOCKCRED_CACHE_DIR"]
    left = {path for path in _tree(bare_node) - before if "dockcred" in path}
    assert not {path for path in left if not path.startswith(cache)}


def test_a_node_that_cannot_run_it_is_left_as_it_was(directory, bare_node):
    """No glibc that fits: told with the one that is needed, and all taken back."""
    (bare_node / LIBRARIES[1:] / "libm.so.6").unlink()
    done = _installer("install", bare_node, directory)
    assert done.returncode == 1
    assert "needs glibc GLIBC_2." in done.stderr
    assert not (bare_node / "opt/dockcred").exists()
