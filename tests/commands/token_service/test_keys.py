"""The service's own keys: their files' owner, what is published, and rotation."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from support import token_service
from support.oidc_issuer import AUDIENCE, Issuer
from support.program import BUSY_S

from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.commands.token_service.signing_key import SigningKey
from dockcred.errors import DockcredError

SERVICE = ("--service", "registry.example.com")
REALM = ("--realm", "https://auth.example.com/token")


@pytest.fixture
def dockcred(helper_bin: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(helper_bin / "dockcred"), "token-service", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=BUSY_S,
        )

    return run


def test_keys_are_for_their_owner_alone(dockcred, tmp_path: Path):
    keys = tmp_path / "deep" / "keys"
    assert dockcred("keygen", "--keys", str(keys)).returncode == 0
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys.iterdir()} == {0o600}


def test_keys_are_not_made_twice(dockcred, tmp_path: Path):
    dockcred("keygen", "--keys", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    done = dockcred("keygen", "--keys", str(tmp_path))
    assert (done.returncode, sorted(tmp_path.iterdir())) == (1, before)
    assert "rotate" in done.stderr


def test_without_keys_the_way_to_make_them_is_said(dockcred, tmp_path: Path):
    done = dockcred("rotate", "--keys", str(tmp_path))
    assert done.returncode == 1
    assert "token-service keygen" in done.stderr


OPEN = {
    "key readable by the group": ("key-*.pem", 0o640),
    "key readable by all": ("key-*.pem", 0o604),
    "roles writable by all": ("roles.json", 0o602),
    "directory writable by the group": (".", 0o770),
}


@pytest.mark.parametrize("what", OPEN)
def test_keys_that_others_can_reach_are_refused(tmp_path: Path, what: str):
    pattern, mode = OPEN[what]
    KeyDirectory(str(tmp_path)).create()
    for file in [tmp_path] if pattern == "." else tmp_path.glob(pattern):
        file.chmod(mode)
    with pytest.raises(DockcredError, match="open to others"):
        KeyDirectory(str(tmp_path)).signing_key()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("pattern", [".", "key-*.pem", "roles.json"])
def test_keys_of_another_are_refused(tmp_path: Path, pattern: str):
    KeyDirectory(str(tmp_path)).create()
    for file in [tmp_path] if pattern == "." else tmp_path.glob(pattern):
        os.chown(file, 65534, 65534)
    with pytest.raises(DockcredError, match="belongs to uid 65534"):
        KeyDirectory(str(tmp_path)).signing_key()


def test_a_link_is_no_key(tmp_path: Path):
    directory = KeyDirectory(str(tmp_path))
    directory.create()
    file = tmp_path / f"key-{directory.roles().signing}.pem"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to("elsewhere")
    with pytest.raises((DockcredError, OSError)):
        KeyDirectory(str(tmp_path)).signing_key()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"signing": "x"}', '{"signing": 1, "next": 2}', "\0"]
)
def test_broken_roles_are_told(tmp_path: Path, content: str):
    KeyDirectory(str(tmp_path)).create()
    (tmp_path / "roles.json").write_text(content)
    with pytest.raises(DockcredError):
        KeyDirectory(str(tmp_path)).signing_key()


def test_a_key_is_published_before_it_signs_and_after(tmp_path: Path):
    """Rotate several times; a registry gets the published keys after each rotation."""
    directory = KeyDirectory(str(tmp_path))
    directory.create()
    known = {key.id for key in directory.published()}
    for _ in range(3):
        signed_before = directory.signing_key().id
        directory.rotate()
        assert directory.signing_key().id in known  # known before the registry is told
        known = {key.id for key in directory.published()}
        assert {signed_before, directory.signing_key().id} <= known
        assert len(known) == 3
    assert len(list(tmp_path.glob("key-*.pem"))) == 3


def test_the_id_is_the_keys_thumbprint():
    """The thumbprint of RFC 7638, computed a second time here."""
    key = SigningKey.generate()
    assert key.id == thumbprint(key.jwk())


def thumbprint(jwk: dict[str, str]) -> str:
    import hashlib
    from base64 import urlsafe_b64encode

    members = ",".join(f'"{name}":"{jwk[name]}"' for name in ("crv", "kty", "x", "y"))
    digest = hashlib.sha256(f"{{{members}}}".encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_running_service_signs_with_the_new_key(
    dockcred, helper_bin: Path, issuer: Issuer, tmp_path: Path
):
    options = ["--issuer", issuer.url, "--audience", AUDIENCE]
    options += ["--allow", "team/app:pull repository_id=17"]
    with token_service.running(
        helper_bin, *options, "--keys", str(tmp_path / "keys")
    ) as service:

        def chain() -> bytes:
            token = service.get(token=issuer.token()).json()["token"]
            return b64decode(jwt.get_unverified_header(token)["x5c"][0])

        first = chain()
        assert chain() == first
        done = dockcred("rotate", "--keys", str(tmp_path / "keys"))
        assert done.returncode == 0, done.stderr
        second = chain()
    assert second != first
    published = KeyDirectory(str(tmp_path / "keys")).published()
    certificates = [
        x509.load_pem_x509_certificate(key.certificate_pem()) for key in published
    ]
    for used in (first, second):
        assert x509.load_der_x509_certificate(used) in certificates


def test_the_registrys_files_are_for_the_registry_to_read(dockcred, tmp_path: Path):
    keys, out = str(tmp_path / "keys"), tmp_path / "out"
    dockcred("keygen", "--keys", keys)
    done = dockcred("write-registry-config", "--keys", keys, *SERVICE, *REALM, str(out))
    assert done.returncode == 0, done.stderr
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o644}
    assert b"PRIVATE" not in b"".join(file.read_bytes() for file in out.iterdir())
    assert (out / "auth.yml").read_text() == (
        "auth:\n"
        "  token:\n"
        '    realm: "https://auth.example.com/token"\n'
        '    service: "registry.example.com"\n'
        '    issuer: "dockcred"\n'
        f'    rootcertbundle: "{out}/token-service.pem"\n'
    )
    assert (
        "REGISTRY_AUTH_TOKEN_SERVICE=registry.example.com\n"
        in (out / "registry.env").read_text()
    )


def test_the_key_set_is_for_registries_that_take_one(dockcred, tmp_path: Path):
    keys, out = str(tmp_path / "keys"), tmp_path / "out"
    config = tmp_path / "config.toml"
    config.write_text(f'service = "r"\nkeys = "{keys}"\nsign_for = "jwks"\n')
    dockcred("keygen", "--keys", keys)
    done = dockcred(
        *("write-registry-config", "--config", str(config), *REALM),
        *("--seen-as", "/etc/registry", str(out)),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "token-service.jwks.json").read_text())["keys"]
    assert [key["kid"] for key in found] == [thumbprint(key) for key in found]
    assert not any("d" in key for key in found)
    text = (out / "auth.yml").read_text()
    assert '    jwks: "/etc/registry/token-service.jwks.json"\n' in text
    assert "    signingalgorithms: [ES256]\n" in text
    assert "rootcertbundle" not in text


def test_the_option_says_where_the_keys_are_before_the_file(dockcred, tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text('service = "r"\nkeys = "/nowhere"\n')
    dockcred("keygen", "--keys", str(tmp_path / "keys"))
    told = ("--config", str(config), *REALM, str(tmp_path / "out"))
    assert dockcred("write-registry-config", *told).returncode == 1
    keys = ("--keys", str(tmp_path / "keys"))
    assert dockcred("write-registry-config", *keys, *told).returncode == 0


@pytest.mark.parametrize(
    "realm", ["http://auth.example.com/token", "ftp://x/", "token", "https://a b/"]
)
def test_a_realm_to_which_passwords_would_go_in_clear(dockcred, tmp_path, realm: str):
    dockcred("keygen", "--keys", str(tmp_path / "keys"))
    done = dockcred(
        *("write-registry-config", "--keys", str(tmp_path / "keys"), *SERVICE),
        *("--realm", realm, str(tmp_path / "out")),
    )
    assert done.returncode == 1
    assert "realm" in done.stderr
    assert not (tmp_path / "out").exists()
