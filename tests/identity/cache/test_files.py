"""Which cache files are used: complete, plain files of ours for this very identity."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support import entries
from support.program import HOST, Program

from dockcred.credential import Credential
from dockcred.identity.cache import Entry

ECR_CALL = "ecr:GetAuthorizationToken"
PLANTED = "planted-password"


@pytest.fixture
def environment(cloud):
    return cloud.environment()


@pytest.fixture
def entry(ecr, environment):
    """A real entry with another secret: if a get answers it, the entry was used."""
    ecr.get(environment)
    path = entries.only(environment)
    found = entries.read(path)
    found.credential.secret = PLANTED
    entries.write(path, found)
    return path


def test_the_planted_entry_would_be_believed(ecr, environment, entry):
    """Otherwise the tests below could not fail."""
    assert ecr.get(environment).password == PLANTED


def _mints_anew(ecr, cloud, environment):
    answer = ecr.get(environment)
    assert cloud.minted(answer.password) is not None
    assert answer.stderr == b""
    assert answer.password != PLANTED


def test_entry_and_directory_are_readable_by_their_owner_alone(ecr, environment):
    ecr.get(environment)
    assert entries.directory(environment).stat().st_mode & 0o777 == 0o700
    assert entries.only(environment).stat().st_mode & 0o777 == 0o600
    tag = entries.directory(environment) / "CACHEDIR.TAG"
    assert tag.read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_a_directory_of_0755_is_tightened(ecr, cloud, environment, entry):
    entry.parent.chmod(0o755)
    assert ecr.get(environment).password == PLANTED
    assert entry.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777, 0o722])
def test_a_directory_that_others_can_write_is_not_believed(
    mode, ecr, cloud, environment, entry
):
    entry.parent.chmod(mode)
    before = entry.read_bytes()
    _mints_anew(ecr, cloud, environment)
    _mints_anew(ecr, cloud, environment)
    assert entry.read_bytes() == before
    warned = ecr.get(environment | {"DOCKCRED_LOG": "warning"}).stderr
    assert b"chmod 700" in warned


def test_a_linked_directory_is_not_believed(ecr, cloud, environment, entry):
    real = entry.parent.rename(cloud.home / "elsewhere")
    entry.parent.symlink_to(real)
    _mints_anew(ecr, cloud, environment)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives files to another")
@pytest.mark.parametrize("what", ["directory", "entry"])
def test_what_belongs_to_another_is_not_believed(what, ecr, cloud, environment, entry):
    os.chown(entry.parent if what == "directory" else entry, 65534, 65534)
    _mints_anew(ecr, cloud, environment)


def _as_symbolic_link(path: Path):
    path.rename(path.parent.parent / "target")
    path.symlink_to(path.parent.parent / "target")


def _as_hard_link(path: Path):
    os.link(path, path.parent.parent / "second-name")


def _as_directory(path: Path):
    path.unlink()
    path.mkdir()


def _as_pipe(path: Path):
    path.unlink()
    os.mkfifo(path, 0o600)


def _as_huge(path: Path):
    with path.open("ab") as file:
        file.truncate(100 << 20)


def _edit(change):
    def apply(path: Path):
        path.write_bytes(change(path.read_bytes()))

    return apply


def _line(number: int, text: bytes):
    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        lines[number] = text
        return b"\n".join(lines)

    return _edit(change)


SPOILED = {
    "a symbolic link": _as_symbolic_link,
    "a file with a second name": _as_hard_link,
    "a directory": _as_directory,
    "a pipe": _as_pipe,
    "100 MB": _as_huge,
    "readable by the group": lambda path: path.chmod(0o640),
    "readable by all": lambda path: path.chmod(0o604),
    "empty": _edit(lambda _: b""),
    "noise": _edit(lambda _: os.urandom(4096)),
    "JSON of another program": _edit(lambda _: b'{"Registries":{},"Version":"1.0"}'),
    "torn before its end mark": _edit(lambda data: data.removesuffix(b"end\n")),
    "torn in its end mark": _edit(lambda data: data[:-1]),
    "torn in the middle": _edit(lambda data: data[: len(data) // 2]),
    "longer than it was": _edit(lambda data: data + b"\n"),
    "of another version": _line(0, b"dockcred entry 2"),
    "another identity's": _line(1, b"another key"),
    "without a time": _line(5, b""),
    "with a time that is none": _line(6, b"soon"),
    "without an end": _line(6, b""),
    "endless": _line(5, b"nan"),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_an_entry_that_is_not_ours_or_not_whole_is_a_miss(
    spoil, ecr, cloud, environment, entry
):
    """The get mints and reports no error, and the next get works, too."""
    spoil(entry)
    _mints_anew(ecr, cloud, environment)
    _mints_anew(ecr, cloud, environment)


def test_no_piece_of_an_entry_passes_for_the_whole():
    """A truncated entry is invalid, even if only its last condition is missing."""
    credential = Credential("AWS", "secret", 1.0, 2.0)
    conditions = ("file\t/a\t-", "file\t/b\t-")
    text = Entry("key", credential, "aws:sso", conditions).to_text()
    assert Entry.from_text(text) is not None
    for end in range(len(text)):
        assert Entry.from_text(text[:end]) is None, text[:end]


def test_an_entry_is_not_written_through_a_link(ecr, cloud, environment, entry):
    victim = cloud.home / "victim"
    victim.write_text("precious")
    entry.unlink()
    entry.symlink_to(victim)
    _mints_anew(ecr, cloud, environment)
    assert victim.read_text() == "precious"
    assert not entry.is_symlink()


def test_a_lock_is_not_made_through_a_link(ecr, cloud, environment, entry):
    """A symbolic link at the lock's path must not create a file elsewhere."""
    elsewhere = cloud.home / "elsewhere"
    entry.unlink()
    lock = entry.with_name(f"{entry.name}.lock")
    lock.unlink(missing_ok=True)
    lock.symlink_to(elsewhere)
    _mints_anew(ecr, cloud, environment)
    assert not elsewhere.exists()


def test_a_cache_of_another_boot_is_a_miss(ecr, cloud, environment, entry):
    """A cache in an image, or in a home directory on NFS, is another machine's."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    found = entries.read(entry)
    assert boot in found.key
    found.key = found.key.replace(boot, "00000000-0000-4000-8000-000000000000")
    entries.write(entry, found)
    _mints_anew(ecr, cloud, environment)


def test_two_hosts_with_one_home_do_not_share(ecr, cloud, environment, entry):
    """The host's name is in the key, as pods share a kernel and its boot id."""
    found = entries.read(entry)
    assert os.uname().nodename in found.key
    found.key = found.key.replace(os.uname().nodename, "another-host")
    entries.write(entry, found)
    _mints_anew(ecr, cloud, environment)


def test_no_secret_but_the_password_is_in_the_cache(ecr, cloud):
    """There is no secret key and no session token, not even a digest of one."""
    for identity in ("env-session", "credential-process", "sso", "web-identity"):
        environment = cloud.environment(identity)
        ecr.get(environment)
        written = b"".join(
            path.read_bytes()
            for path in entries.directory(environment).iterdir()
            if path.is_file()
        )
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            if value := environment.get(name):
                assert value.encode() not in written
        assert written.count(b"eyJ") == 1, "one password, no other token"


def test_a_proxy_s_password_is_not_in_the_cache(ecr, cloud, environment):
    secret = environment["HTTPS_PROXY"].replace("://", "://user:hunter2@")
    ecr.get(environment | {"HTTPS_PROXY": secret, "https_proxy": secret})
    assert b"hunter2" not in entries.only(environment).read_bytes()


def test_a_removed_directory_is_made_anew(ecr, cloud, environment, entry):
    shutil.rmtree(entry.parent)
    _mints_anew(ecr, cloud, environment)
    assert HOST in entries.only(environment).name


@pytest.mark.parametrize(
    ("program", "host", "variables", "file", "text"),
    [
        (
            "docker-credential-gcr",
            "europe-west1-docker.pkg.dev",
            ["GOOGLE_APPLICATION_CREDENTIALS"],
            "adc.json",
            (
                '{"type": "external_account", "audience": "a", "subject_token_type": '
                '"urn:ietf:params:oauth:token-type:jwt", "token_url": '
                '"https://sts.googleapis.com/v1/token", '
                '"credential_source": {"file": "/a\\u0000b"}}'
            ),
        ),
        (
            "docker-credential-ecr-login",
            HOST,
            [],
            ".aws/config",
            (
                "[default]\nrole_arn = arn:aws:iam::123456789012:role/x\n"
                "web_identity_token_file = /a\0b\n"
            ),
        ),
        (
            "docker-credential-acr-helper",
            "registry.cn-hangzhou.aliyuncs.com",
            [],
            ".aliyun/config.json",
            (
                '{"current": "d", "profiles": [{"name": "d", "mode": "OIDC", '
                '"oidc_token_file": "/a\\u0000b", "oidc_provider_arn": "x", '
                '"ram_role_arn": "y"}]}'
            ),
        ),
        (
            "docker-credential-ocir",
            "fra.ocir.io",
            [],
            ".oci/config",
            (
                "[DEFAULT]\nuser=u\ntenancy=ocid1.tenancy.oc1..a\nregion=eu-frankfurt-1\n"
                "fingerprint=f\nkey_file=/a\0b\n"
            ),
        ),
    ],
)
def test_a_file_that_can_have_no_such_name_is_none(
    helper_bin, tmp_path, program, host, variables, file, text
):
    """A setting may hold a NUL; for such a path Python raises ValueError."""
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    named = {name: str(path) for name in variables}
    alone = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    alone["AWS_EC2_METADATA_DISABLED"] = "true"
    said = Program(str(helper_bin / program)).get(alone | named, host)
    assert said.status == 1
    assert b"unforeseen" not in said.stdout
    assert b"; " in said.stdout
