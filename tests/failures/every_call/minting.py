"""Writers of clouds' passwords: cache, tickets, rendered files, directories."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from support.program import HOST
from support.starting import Ended

from dockcred.identity.cache import Entry
from dockcred.testing.sandbox import Sandbox

from .world import World
from .writer import Writer, content

_HELPER = "docker-credential-ecr-login"
_LAUNCHED = f"{_HELPER} launched"
NAMES = (
    "cache entry",
    "ticket and stamp",
    "ticket of a hit",
    "compiled configuration",
    "erase",
    "cache --clear",
    "refresh to a file",
    "render to a file",
    "exec --secret",
    "exec --home",
)
_NO_ENTRY = (".lock", ".failed", ".tried", ".new", ".stamp", ".tmp")


def writers(world: World, cloud: Sandbox) -> Iterator[Writer]:
    """Yield the writers; each password that the sandbox has minted is a secret."""
    environment = cloud.environment() | {
        "HOME": str(world.home),
        "DOCKCRED_CACHE_DIR": f"{world.path}/cache",
        "XDG_CONFIG_HOME": str(world.home),
        "XDG_RUNTIME_DIR": f"{world.path}/run",
        "TMPDIR": f"{world.path}/run",
        "DOCKER_CONFIG": f"{world.path}/docker",
        "PATH": "/usr/bin:/bin",
        "DOCKCRED_REFRESH": "off",
    }
    # The first characters of all the sandbox's passwords: plain, and in an `auth`.
    start = b"eyJwYXlsb2Fk"
    secrets = (start, base64.b64encode(b"AWS:" + start)[:-4])

    def answers(ended: Ended) -> bool:
        return bool(cloud.minted(json.loads(ended.stdout)["Secret"]))

    def cached(world: World) -> dict[str, object]:
        """Return whether there is a complete cache entry, and a complete ticket."""
        found: dict[str, object] = {"entry": False, "ticket": False}
        for path in (world.path / "cache").glob("*"):
            text = path.read_text("utf-8", "surrogateescape")
            if path.name.startswith("ecr,") and not path.name.endswith(_NO_ENTRY):
                entry = Entry.from_text(text)
                whole = entry and cloud.minted(entry.credential.secret)
                found["entry"] = bool(whole) or f"not whole: {path.name}"
            elif path.name.startswith("front,") and not path.name.endswith(_NO_ENTRY):
                found["ticket"] = _ticket(path.parent, text)
        return found

    def private(world: World) -> None:
        for name in ("home", "run", "docker"):
            (world.path / name).mkdir(mode=0o700, exist_ok=True)

    def with_config(world: World) -> None:
        private(world)
        world.write("home/dockcred/config.toml", '[[registry]]\nmatch = "x.example"\n')

    common = {
        "secrets": secrets,
        # A stamp has the name of an entry; the next prune of the cache removes it.
        "spare": (".stamp #2",),
        "stdin": HOST.encode(),
        "place": "cache",
        "best_effort": True,
        "answer": answers,
    }
    yield Writer(
        "cache entry", _HELPER, ("get",), environment, cached, prepare=private, **common
    )
    yield Writer(
        "ticket and stamp",
        _LAUNCHED,
        ("get",),
        environment,
        cached,
        prepare=with_config,
        **common,
    )
    yield Writer(
        "ticket of a hit",
        _LAUNCHED,
        ("get",),
        environment,
        cached,
        prepare=with_config,
        before=((_HELPER, "get"),),
        **common,
    )
    yield Writer(
        "compiled configuration",
        _HELPER,
        ("get",),
        environment,
        lambda world: {"config": bool(content(world, "cache/config"))},
        prepare=with_config,
        **common,
    )
    yield Writer(
        "erase",
        _LAUNCHED,
        ("erase",),
        environment,
        cached,
        stdin=HOST.encode(),
        place="cache",
        prepare=private,
        before=((_LAUNCHED, "get"),),
    )
    yield Writer(
        "cache --clear",
        "dockcred",
        ("cache", "--clear"),
        environment,
        cached,
        stdin=HOST.encode(),
        prepare=private,
        before=((_LAUNCHED, "get"),),
    )

    def logged_in(name: str):
        def look(world: World) -> dict[str, object]:
            text = content(world, name)
            if text is None:
                return {name: None}
            auth = json.loads(text)["auths"][HOST]["auth"]
            password = base64.b64decode(auth).decode().partition(":")[2]
            return {name: bool(cloud.minted(password)) or "not minted"}

        return look

    def targets(world: World) -> None:
        private(world)
        (world.path / "out").mkdir(mode=0o700)
        world.write(
            "home/refresh.toml",
            '[[target]]\nformat = "docker-config"\n'
            f'registries = ["{HOST}"]\nfile = "{world.path}/out/config.json"\n',
        )

    yield Writer(
        "refresh to a file",
        "dockcred",
        ("refresh", "--once", f"{world.home}/refresh.toml"),
        environment | {"DOCKCRED_CACHE": "off"},
        logged_in("out/config.json"),
        prepare=targets,
        secrets=secrets,
        place="out",
    )

    def place(world: World) -> None:
        private(world)
        (world.path / "out").mkdir(mode=0o700)

    yield Writer(
        "render to a file",
        "dockcred",
        (
            *("render", "docker-config", "--registry", HOST),
            *("--output", f"{world.path}/out/config.json"),
        ),
        environment | {"DOCKCRED_CACHE": "off"},
        logged_in("out/config.json"),
        prepare=place,
        secrets=secrets,
        place="out",
    )
    for kind in ("--secret", "--home"):
        yield Writer(
            f"exec {kind}",
            "dockcred",
            ("exec", "--registry", HOST, kind, "--", "true"),
            environment | {"DOCKCRED_CACHE": "off"},
            lambda world: {},
            prepare=private,
            secrets=secrets,
            place="run",
            changes=False,
            settles_s=3,
            slow=4,
        )


def _ticket(directory: Path, text: str) -> object:
    """Return True if a ticket is complete, else a text that says where it is."""
    if not text.endswith("end\n"):
        return f"not whole in {directory}"
    return True
