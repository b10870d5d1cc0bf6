"""Writers of people's and services' secrets: vault, pass, imports, keys, launchers."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from support.real import missing

from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.stores.vault import Vault
from dockcred.system.environment import Environment

from .world import World
from .writer import Writer, content, files

_KEYRING = "docker-credential-keyring"
_SECRET = "hunter2-of-the-store"
_REQUEST = json.dumps({"ServerURL": "r.io", "Username": "user", "Secret": _SECRET})
_AUTH = base64.b64encode(f"user:{_SECRET}".encode()).decode()
_SECRETS = (_SECRET.encode(), _AUTH.encode(), b"PRIVATE KEY")
NAMES = (
    "vault create",
    "vault store",
    "vault erase",
    "import --remove",
    "import to the vault",
    "token-service keygen",
    "token-service rotate",
    "write-registry-config",
    "install",
    "install over an older one",
    "install --remove",
)
PASS_NAMES = ("pass store", "pass erase")


def writers(world: World, key: Path) -> Iterator[Writer]:
    """Yield the writers without those of `pass`; the vault's key is outside `world`."""
    environment = {
        "HOME": str(world.home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": f"{world.path}/vault/vault",
        "DOCKCRED_VAULT_KEY_FILE": str(key),
        "DOCKCRED_CACHE": "off",
        "DOCKCRED_TIMEOUT": "30",
        "DOCKER_CONFIG": f"{world.path}/docker",
    }

    def kept(world: World) -> dict[str, object]:
        if not (world.path / "vault/vault").exists():
            return {"vault": False}
        return {"vault": True} | Vault(Environment(environment))._content()

    def empty(world: World) -> None:
        for name in ("home", "vault", "docker", "keys", "bin"):
            (world.path / name).mkdir(mode=0o700, exist_ok=True)

    create = ("vault", "create", "--key-file", str(key))
    own_key = f"{world.path}/keys/key"
    yield Writer(
        "vault create",
        "dockcred",
        ("vault", "create", "--key-file", own_key),
        environment | {"DOCKCRED_VAULT_KEY_FILE": own_key},
        lambda world: {"vault": (world.path / "vault/vault").exists()},
        prepare=empty,
        done="there is a vault at",
    )

    def made(world: World) -> None:
        empty(world)
        key.unlink(missing_ok=True)

    stored = Writer(
        "vault store",
        _KEYRING,
        ("store",),
        environment,
        kept,
        stdin=_REQUEST.encode(),
        before=(("dockcred", *create),),
        prepare=made,
        secrets=_SECRETS,
        place="vault",
    )
    yield stored
    yield Writer(
        "vault erase",
        _KEYRING,
        ("erase",),
        environment,
        kept,
        stdin=b"r.io",
        before=(("dockcred", *create), (_KEYRING, "store", _REQUEST)),
        prepare=made,
        secrets=_SECRETS,
        place="vault",
    )

    def logins(world: World) -> None:
        made(world)
        auths = {"r.io": {"auth": _AUTH}, "other.io": {}}
        world.write("docker/config.json", json.dumps({"auths": auths, "a": "é"}))

    def imported(world: World) -> dict[str, object]:
        text = content(world, "docker/config.json")
        return kept(world) | {"config.json": text and repr(json.loads(text))}

    yield Writer(
        "import --remove",
        "dockcred",
        ("import", "docker", "--remove"),
        environment,
        imported,
        before=(("dockcred", *create),),
        prepare=logins,
        secrets=_SECRETS,
        place="docker",
    )
    yield Writer(
        "import to the vault",
        "dockcred",
        ("import", "docker"),
        environment,
        imported,
        before=(("dockcred", *create),),
        prepare=logins,
        secrets=_SECRETS,
        place="vault",
    )
    keys = f"{world.path}/keys/made"
    service = ("token-service",)
    yield Writer(
        "token-service keygen",
        "dockcred",
        (*service, "keygen", "--keys", keys),
        environment,
        _roles,
        prepare=empty,
        secrets=_SECRETS,
        place="keys",
        done="there are keys in",
    )
    keygen = ("dockcred", *service, "keygen", "--keys", keys)
    yield Writer(
        "token-service rotate",
        "dockcred",
        (*service, "rotate", "--keys", keys),
        environment,
        _roles,
        before=(keygen,),
        prepare=empty,
        secrets=_SECRETS,
        place="keys",
    )
    registry = f"{world.path}/registry"
    realm = ("--service", "r.example", "--realm", "https://a.example/token")
    names = ("token-service.pem", "auth.yml", "registry.env")
    yield Writer(
        "write-registry-config",
        "dockcred",
        (*service, "write-registry-config", registry, "--keys", keys, *realm),
        environment,
        files(*(f"registry/{name}" for name in names)),
        before=(keygen,),
        prepare=empty,
        place="registry",
    )
    program = (
        "--dir",
        f"{world.path}/bin",
        "--programs",
        "docker-credential-ecr-login",
    )
    target = "bin/docker-credential-ecr-login"
    yield Writer(
        "install",
        "dockcred",
        ("install", *program),
        environment,
        files(target),
        prepare=empty,
        slow=4,
    )

    def old_install(world: World) -> None:
        empty(world)
        text = (
            "#!/bin/sh\n# docker-credential-ecr-login, written by `dockcred install`\n"
        )
        world.write(target, text, 0o755)

    yield Writer(
        "install over an older one",
        "dockcred",
        ("install", *program),
        environment,
        files(target),
        prepare=old_install,
        slow=4,
    )
    yield Writer(
        "install --remove",
        "dockcred",
        ("install", *program, "--remove"),
        environment,
        files(target),
        before=(("dockcred", "install", *program),),
        prepare=empty,
        slow=4,
    )


def _roles(world: World) -> dict[str, object]:
    """Load every key in roles.json; without that file there are none."""
    directory = KeyDirectory(f"{world.path}/keys/made")
    if not (world.path / "keys/made/roles.json").exists():
        return {"keys": None}
    return {"keys": len(directory.published())}


def pass_writers(world: World) -> Iterator[Writer]:
    """Yield the writers of `pass`; its store and GPG home are in `world`."""
    environment = {
        "HOME": str(world.home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "DOCKCRED_STORE": "pass",
        "DOCKCRED_TIMEOUT": "30",
    }

    def store(world: World) -> None:
        (world.home / ".gnupg").mkdir(mode=0o700, parents=True)
        for command in (
            ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
             "test@example.invalid", "default", "default", "never"],
            ["pass", "init", "test@example.invalid"],
            ["gpgconf", "--kill", "all"],
        ):  # fmt: skip
            done = subprocess.run(
                command, env=environment, capture_output=True, check=False
            )
            if done.returncode:
                missing(f"{command[0]}: {done.stderr!r}")

    folder = "home/.password-store/docker-credential-helpers"

    def entries(world: World) -> dict[str, object]:
        found = (world.path / folder).rglob("*.gpg")
        return {"entries": sorted(str(path.name) for path in found)}

    yield Writer(
        "pass store",
        _KEYRING,
        ("store",),
        environment,
        entries,
        stdin=_REQUEST.encode(),
        prepare=store,
        secrets=(_SECRET.encode(),),
        place="home/.password-store",
    )
    yield Writer(
        "pass erase",
        _KEYRING,
        ("erase",),
        environment,
        entries,
        stdin=b"r.io",
        before=((_KEYRING, "store", _REQUEST),),
        prepare=store,
        secrets=(_SECRET.encode(),),
        place="home/.password-store",
    )
