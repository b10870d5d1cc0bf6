"""A stranger verifies a release as docs/verify.md says, and notices each byte that changed."""

from __future__ import annotations

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

pytestmark = pytest.mark.slow  # all of them together

COMMIT = "1085d417c0ffee00000000000000000000000000"
BLOCKS = ("the signature", "the provenance")
# These two are what the first block begins with.
SIGNATURE = {"SHA256SUMS", "SHA256SUMS.sig"}


def openssl(*words: str | Path) -> None:
    subprocess.run([program("openssl"), *words], check=True, capture_output=True)


def make_key(place: Path) -> Path:
    """Make a key and, beside it, the public one as a stranger has it."""
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
    """A folder of a release, signed, and the public key with it."""

    def make(place: Path) -> None:
        shutil.copytree(billed, place, dirs_exist_ok=True)
        keys = tmp_path_factory.mktemp("keys")
        done = sign(place, make_key(keys))
        assert done.returncode == 0, done.stderr
        shutil.copy(keys / "dockcred.pub", place)

    return make_once(tmp_path_factory, "signed", make)


@pytest.fixture
def folder(signed: Path, tmp_path: Path) -> Path:
    """What a stranger has downloaded."""
    return shutil.copytree(signed, tmp_path / "download")


def verify(folder: Path, block: str) -> subprocess.CompletedProcess[str]:
    """Type a block of the page, up to the first command that fails."""
    program("jq")
    return subprocess.run(
        ["sh", "-e"],
        input="\n".join(written(block, "verify.md")),
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_a_stranger_verifies_all_files(folder, block):
    done = verify(folder, block)
    assert done.returncode == 0, done.stdout + done.stderr
    published = {path.name for path in folder.iterdir()} - SIGNATURE
    made_here = {"dockcred.pub", "statement.json", "statement.sig", "statement.signed"}
    if block == "the provenance":
        made_here |= {next(folder.glob("*.intoto.jsonl")).name}
        assert done.stdout.endswith(f"{COMMIT}\n")
    for name in published - made_here:
        assert f"{name}: OK\n" in done.stdout
    for kind in (
        ".whl",
        ".tar.gz",
        ".pyz",
        ".deb",
        ".tgz",
        ".cdx.json",
        ".zip",
        ".yaml",
    ):
        assert any(name.endswith(kind) for name in published), kind


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A release of one file."""
    (folder := tmp_path / "small").mkdir()
    (folder / "dockcred-0.1.0-py3-none-any.whl").write_text("a wheel")
    summed = "sha256sum * >../sums && mv ../sums SHA256SUMS"
    subprocess.run(["sh", "-c", summed], cwd=folder, check=True)
    return folder


def test_one_file_of_them_is_enough(small, tmp_path):
    assert sign(small, make_key(tmp_path)).returncode == 0
    shutil.copy(tmp_path / "dockcred.pub", small)
    for block in BLOCKS:
        done = verify(small, block)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ".whl: OK" in done.stdout


def altered(path: Path, at: int) -> bytes:
    """Return a file's content with one bit changed."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    return bytes(content)


def test_one_altered_byte_of_any_file_fails(signed, tmp_path):
    """In whatever file, and by both ways; of a signature, by the one that reads it."""
    papers = {*SIGNATURE, "dockcred.pub", next(signed.glob("*.intoto.jsonl")).name}
    names = sorted(path.name for path in signed.iterdir())
    assert {name.partition("-")[2] or name for name in names} > ONE_OF_EACH
    for name in names:
        (folder := tmp_path / name).mkdir()
        for kept in {*papers, name}:
            shutil.copy(signed / kept, folder)
        size = (signed / name).stat().st_size
        (folder / name).write_bytes(altered(signed / name, size // 2))
        for block in BLOCKS:
            if block == "the provenance" and name in SIGNATURE:
                continue  # it does not read them
            done = verify(folder, block)
            assert done.returncode != 0, (name, block, done.stdout)


ONE_OF_EACH = {
    *("SHA256SUMS", "SHA256SUMS.sig", "dockcred.pub", "0.1.0.intoto.jsonl"),
    *("0.1.0-py3-none-any.whl", "0.1.0.tar.gz", "0.1.0.pyz", "0.1.0.pyz.cdx.json"),
    *("node-0.1.0-amd64.tgz", "node-0.1.0-amd64.tgz.cdx.json"),
    *("0.1.0-windows.zip", "0.1.0-windows.zip.cdx.json", "0.1.0-debian.cdx.json"),
    *("dockcred.json", "dockcred.dockcred.yaml", "dockcred.dockcred.installer.yaml"),
}


def test_no_byte_of_a_paper_may_be_another(small, tmp_path):
    """Typed from the first command to the last: each paper stands for all files."""
    assert sign(small, make_key(tmp_path)).returncode == 0
    shutil.copy(tmp_path / "dockcred.pub", small)
    (statement,) = small.glob("*.intoto.jsonl")
    for name in (*SIGNATURE, statement.name):
        path = small / name
        whole = path.read_bytes()
        for at in (0, len(whole) // 3, len(whole) - 1):
            path.write_bytes(altered(path, at))
            refused = any(verify(small, block).returncode for block in BLOCKS)
            assert refused, (name, at)
            path.write_bytes(whole)


@pytest.mark.parametrize("block", BLOCKS)
def test_another_s_key_does_not_verify(folder, tmp_path, block):
    make_key(tmp_path)
    shutil.copy(tmp_path / "dockcred.pub", folder)
    done = verify(folder, block)
    assert done.returncode != 0
    assert "Verification" in done.stdout + done.stderr


@pytest.mark.parametrize("block", BLOCKS)
def test_what_another_signed_does_not_verify(billed, folder, tmp_path, block):
    """Who changes a file and signs anew has no key of ours."""
    forged = shutil.copytree(billed, tmp_path / "forged")
    assert sign(forged, make_key(tmp_path)).returncode == 0
    shutil.copy(folder / "dockcred.pub", forged)
    assert verify(forged, block).returncode != 0


def test_the_statement_is_one_to_others_too(folder):
    """To DSSE's own library, and to in-toto's own schemas of statement and provenance."""
    dsse = pytest.importorskip("securesystemslib.dsse")
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1.statement import Statement, spb
    from securesystemslib.signer import SSlibKey

    (path,) = folder.glob("*.intoto.jsonl")
    told = json.loads(path.read_text())
    (name,) = (signature["keyid"] for signature in told["signatures"])
    envelope = dsse.Envelope.from_dict(told)
    public = {"public": (folder / "dockcred.pub").read_text()}
    key = SSlibKey(name, "ecdsa", "ecdsa-sha2-nistp256", public)
    assert list(envelope.verify([key], 1)) == [name]

    statement = json_format.Parse(envelope.payload, spb.Statement())
    Statement.copy_from_pb(statement).validate()
    assert len(statement.subject) == len(list(folder.iterdir())) - 4
    predicate = json_format.MessageToJson(statement.predicate)
    provenance = json_format.Parse(predicate, provenance_pb2.Provenance())
    (source, *_) = provenance.build_definition.resolved_dependencies
    assert dict(source.digest) == {"gitCommit": COMMIT}


def test_what_the_checksums_do_not_name_is_not_signed(small, tmp_path):
    (small / "more.whl").touch()
    done = sign(small, make_key(tmp_path))
    assert done.returncode == 1
    assert "SHA256SUMS is not of more.whl" in done.stderr
    assert not (small / "SHA256SUMS.sig").exists()
