"""The token service's Deployment: its fields, arguments, and keys as a Secret."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from support.program import BUSY_S
from support.real import missing, program, require_own_mounts
from support.token_service import running

from dockcred.commands.token_service import server, settings_file, workers
from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.errors import DockcredError

PLACE = Path(__file__).parents[3] / "packaging/kubernetes/token-service"


def documents() -> dict[str, dict]:
    kubectl = [program("kubectl"), "kustomize", str(PLACE)]
    done = subprocess.run(kubectl, capture_output=True, text=True, check=True)
    return {found["kind"]: found for found in yaml.safe_load_all(done.stdout)}


def test_the_schema_knows_every_field():
    try:
        import kubernetes_validate
    except ImportError:
        missing("kubernetes-validate is not installed")
    found = documents()
    wanted = {"Namespace", "ConfigMap", "Deployment", "Service", "PodDisruptionBudget"}
    assert {*found} == wanted
    for document in found.values():
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_all_of_them_mean_the_same_pods():
    found = documents()
    template = found["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    budget = found["PodDisruptionBudget"]["spec"]
    assert budget["selector"]["matchLabels"] == labels
    assert budget["minAvailable"] < found["Deployment"]["spec"]["replicas"]


def test_the_pod_has_the_time_that_its_end_takes():
    spec = documents()["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    ours = server.GRACE_S + workers.LATER_S
    assert spec["terminationGracePeriodSeconds"] > before + ours


def test_the_configuration_is_a_good_one():
    found = settings_file.parse((PLACE / "token-service.toml").read_text(), "/keys")
    assert not list(found.warnings())


def test_the_pod_s_words_start_it(helper_bin: Path, tmp_path: Path):
    """The pod's arguments are used as they are, except for the places of files."""
    (container,) = documents()["Deployment"]["spec"]["template"]["spec"]["containers"]
    shutil.copy(PLACE / "token-service.toml", tmp_path)
    KeyDirectory(str(tmp_path / "keys")).create()
    places = {
        "/etc/dockcred/token-service.toml": str(tmp_path / "token-service.toml"),
        "/etc/dockcred-keys": str(tmp_path / "keys"),
        "0.0.0.0:5001": "127.0.0.1:0",
    }
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/etc/dockcred", "/etc/dockcred-keys"} == mounted
    words = [places.get(word, word) for word in container["args"]]
    assert places.keys() < {*container["args"]}
    with running(helper_bin, *words) as service:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = container[probe]["httpGet"]["path"]
            assert service.request("GET", path).status == 200


# kubelet mounts a Secret like this: a directory for each version, a link to the newest
# one, and links to its files.
MOUNT = """
set -e
mount -t tmpfs none {at}
mkdir {at}/..v1
cp {keys}/* {at}/..v1
chown -R 0:65532 {at}/..v1
chmod 440 {at}/..v1/*
ln -s ..v1 {at}/..data
for file in {at}/..v1/*; do ln -s "..data/${{file##*/}}" {at}/; done
chmod 1777 {at}
{before}
mount --bind {suite} /mnt  # pytest's own directories are closed to others
exec setpriv --reuid 65532 --regid 65532 --clear-groups {command}
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can enter; pytest's own directories are closed."""
    with TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def mounted(helper_bin: Path, place: Path):
    """Run a `token-service` command as an unprivileged user, with keys in a Secret."""
    require_own_mounts()
    keys, at, out = place / "keys", place / "mounted", place / "out"
    KeyDirectory(str(keys)).create()
    at.mkdir()
    out.mkdir()
    os.chown(out, 65534, 65534)
    os.chmod(out, 0o777)

    def run(before: str, *words: str) -> subprocess.CompletedProcess[str]:
        program = "/mnt/bin/python", "/mnt/bin/dockcred"
        command = " ".join([*program, "token-service", *words])
        script = MOUNT.format(
            keys=keys,
            suite=helper_bin.parent,
            at=at,
            before=before.format(at=at),
            command=command.format(at=at, out=out),
        )
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script],
            env={"PATH": os.environ["PATH"], "HOME": "/"},
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    return run


WRITE = ("write-registry-config", "--keys", "{at}", "--service", "r", "--realm")
REALM = "https://r.example.com/token"
READ_ONLY = "mount -o remount,ro,bind {at} || mount -o remount,ro {at}"


@pytest.mark.slow
def test_keys_are_read_from_a_mounted_secret(mounted):
    done = mounted(READ_ONLY, *WRITE, REALM, "{out}")
    assert done.returncode == 0, done.stderr
    assert "token-service.pem" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("true", "it can be written"),
        ("chmod 444 {at}/..v1/key*; " + READ_ONLY, "open to others"),
        ("chmod 460 {at}/..v1/key*; " + READ_ONLY, "open to others"),
        ("chown 7 {at}/..v1/key*; " + READ_ONLY, "belongs to uid 7"),
    ],
)
def test_what_is_no_secret_of_ours_is_refused(mounted, before: str, said: str):
    done = mounted(before, *WRITE, REALM, "{out}")
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.slow
def test_a_mounted_secret_is_rotated_elsewhere(mounted):
    done = mounted(READ_ONLY, "rotate", "--keys", "{at}")
    assert done.returncode == 1
    assert "apply the Secret again" in done.stderr


def test_a_link_of_ones_own_makes_no_secret(tmp_path: Path):
    KeyDirectory(str(tmp_path)).create()
    (tmp_path / "..v1").mkdir()
    for file in tmp_path.glob("*.*"):
        if file.is_file():
            shutil.copy(file, tmp_path / "..v1")
    (tmp_path / "..data").symlink_to("..v1")
    with pytest.raises(DockcredError, match="it can be written"):
        KeyDirectory(str(tmp_path)).signing_key()
