"""Verify a release as docs/verify.md says; each changed byte is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import written
from support.once import make_once
from support.real import program
from support.release import ROOT

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

COMMIT = "1085d417c0ffee00000000000000000000000000"
PAPER = ".intoto.jsonl"
VERIFY = ROOT / "packaging/attest/verify.py"
KINDS = {
    *("py3-none-any.whl", ".tar.gz", ".pyz", ".pyz.cdx.json", "SHA256SUMS"),
    *("amd64.tgz", "amd64.tgz.cdx.json", "-windows.zip", "-windows.zip.cdx.json"),
    *("-debian.cdx.json", "dockcred.json", "dockcred.yaml", ".installer.yaml", ".deb"),
}
"""The ends of the names of a release's files."""


def openssl(*words: str | Path) -> None:
    subprocess.run([program("openssl"), *words], check=True, capture_output=True)


def make_key(place: Path) -> Path:
    """Make a key, and write its public key beside it; return the private key's path."""
    key = place / "key.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    openssl("pkey", "-in", key, "-pubout", "-out", place / "dockcred.pub")
    return key


def sign(dist: Path, key: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "packaging/attest/sign.py"
    return subprocess.run(
        [sys.executable, script, dist, COMMIT, key],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def signed(billed: Path, tmp_path_factory) -> Path:
    """A folder with a signed release and the public key."""

    def make(place: Path) -> None:
        shutil.copytree(billed, place, dirs_exist_ok=True)
        keys = tmp_path_factory.mktemp("keys")
        done = sign(place, make_key(keys))
        assert done.returncode == 0, done.stderr
        shutil.copy(keys / "dockcred.pub", place)

    return make_once(tmp_path_factory, "signed", make)


@pytest.fixture
def folder(signed: Path, tmp_path: Path) -> Path:
    """A copy of the signed release, as a user has downloaded it."""
    return shutil.copytree(signed, tmp_path / "download")


def verify(folder: Path, *files: Path | str) -> subprocess.CompletedProcess[str]:
    """Verify files as a user does, with our public key and verify.py."""
    shutil.copy(VERIFY, folder)
    return subprocess.run(
        [sys.executable, "-I", "verify.py", "dockcred.pub", *files],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def published(folder: Path) -> list[str]:
    """Return the names of a release's files, without signatures and public key."""
    names = {path.name for path in folder.iterdir() if not path.name.endswith(PAPER)}
    return sorted(names - {"dockcred.pub", "verify.py"})


def test_the_page_s_command_verifies_one_file_alone(signed, tmp_path):
    """Only its signature file and two files of the repository are there too."""
    (one,) = signed.glob("*.pyz")
    for name in (one.name, f"{one.name}{PAPER}", "dockcred.pub"):
        shutil.copy(signed / name, tmp_path)
    shutil.copy(VERIFY, tmp_path)
    (command,) = written("one file", "verify.md")
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{one.name}: OK, of commit {COMMIT}\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_each_file_is_verified(folder):
    names = published(folder)
    for kind in KINDS:
        assert any(name.endswith(kind) for name in names), kind
    done = verify(folder, *names)
    assert done.stdout == "".join(f"{name}: OK, of commit {COMMIT}\n" for name in names)
    assert done.returncode == 0


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A release of one file."""
    (folder := tmp_path / "small").mkdir()
    (folder / "dockcred-0.1.0-py3-none-any.whl").write_text("a wheel")
    summed = "sha256sum * >../sums && mv ../sums SHA256SUMS"
    subprocess.run(["sh", "-c", summed], cwd=folder, check=True)
    return folder


def altered(path: Path, at: int) -> bytes:
    """Return a file's content with one bit changed."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    return bytes(content)


def test_one_altered_byte_of_any_file_fails(folder):
    """So does an altered byte of its signature file; other files still verify."""
    names = published(folder)
    for name in names:
        for changed in (folder / name, folder / f"{name}{PAPER}"):
            whole = changed.read_bytes()
            changed.write_bytes(altered(changed, len(whole) // 2))
            done = verify(folder, name)
            assert done.returncode == 1, changed.name
            assert done.stdout.startswith(f"{name}: NOT OURS: "), changed.name
            changed.write_bytes(whole)
    assert verify(folder, *names).returncode == 0


def test_no_byte_of_what_signs_may_be_another(small, tmp_path):
    """This holds for the signature, the provenance, and the JSON around them."""
    assert sign(small, make_key(tmp_path)).returncode == 0
    shutil.copy(tmp_path / "dockcred.pub", small)
    (wheel,) = small.glob("*.whl")
    paper = small / f"{wheel.name}{PAPER}"
    whole = paper.read_bytes()
    step = 1 if os.environ.get("DOCKCRED_NIGHT") else 23
    # The last letters of base64 have unused bits: these must not be altered either.
    for at in {*range(0, len(whole), step), *range(len(whole) - 12, len(whole))}:
        paper.write_bytes(altered(paper, at))
        assert verify(small, wheel.name).returncode == 1, at
        paper.write_bytes(whole)
    assert verify(small, wheel.name).returncode == 0


def test_a_file_does_not_pass_for_another(small, tmp_path):
    """An old file under a new name fails, with its signature file or without one."""
    assert sign(small, make_key(tmp_path)).returncode == 0
    shutil.copy(tmp_path / "dockcred.pub", small)
    (wheel,) = small.glob("*.whl")
    newer = wheel.with_name(wheel.name.replace("0.1.0", "0.2.0"))
    shutil.copy(wheel, newer)
    done = verify(small, newer.name)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{newer.name}: NOT SHOWN: {newer.name}{PAPER}: ")
    shutil.copy(f"{wheel}{PAPER}", f"{newer}{PAPER}")
    done = verify(small, newer.name, wheel.name)
    assert done.returncode == 1
    assert (
        f"{newer.name}: NOT OURS: the file, or its name, is not the one" in done.stdout
    )
    assert f"{wheel.name}: OK, of commit {COMMIT}" in done.stdout


def test_what_another_signed_does_not_verify(small, tmp_path):
    """An attacker who changes a file can sign it again only with another key."""
    assert sign(small, make_key(tmp_path)).returncode == 0
    (ours := tmp_path / "ours").mkdir()
    make_key(ours)
    shutil.copy(ours / "dockcred.pub", small)
    done = verify(small, *published(small))
    assert done.returncode == 1
    assert done.stdout.count("NOT OURS") == len(published(small))


def test_what_signs_is_one_to_others_too(small, tmp_path):
    """DSSE's own library accepts it, and so do in-toto's own schemas."""
    dsse = pytest.importorskip("securesystemslib.dsse")
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1.statement import Statement, spb
    from securesystemslib.signer import SSlibKey

    assert sign(small, make_key(tmp_path)).returncode == 0
    (path,) = small.glob(f"*.whl{PAPER}")
    told = json.loads(path.read_text())
    (name,) = (signature["keyid"] for signature in told["signatures"])
    envelope = dsse.Envelope.from_dict(told)
    public = {"public": (tmp_path / "dockcred.pub").read_text()}
    key = SSlibKey(name, "ecdsa", "ecdsa-sha2-nistp256", public)
    assert list(envelope.verify([key], 1)) == [name]

    statement = json_format.Parse(envelope.payload, spb.Statement())
    Statement.copy_from_pb(statement).validate()
    (subject,) = statement.subject
    wheel = path.with_name(subject.name)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert dict(subject.digest) == {"sha256": digest}
    predicate = json_format.MessageToJson(statement.predicate)
    provenance = json_format.Parse(predicate, provenance_pb2.Provenance())
    (source, *_) = provenance.build_definition.resolved_dependencies
    assert dict(source.digest) == {"gitCommit": COMMIT}


def test_what_the_checksums_do_not_name_is_not_signed(small, tmp_path):
    (small / "more.whl").touch()
    done = sign(small, make_key(tmp_path))
    assert done.returncode == 1
    assert "SHA256SUMS is not of more.whl" in done.stderr
    assert not list(small.glob(f"*{PAPER}"))
