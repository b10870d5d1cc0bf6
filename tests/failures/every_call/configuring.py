"""Writers: `dockcred configure` and `configure --undo`, for every client."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .world import World
from .writer import Writer, files

SECRET = "hunter2-of-the-config"
_AUTH = "dXNlcjpodW50ZXIyLW9mLXRoZS1jb25maWc="  # user:hunter2-of-the-config
_LOGIN = json.dumps({"auths": {"r.example": {"auth": _AUTH}}}, indent="\t") + "\n"
_TOML = 'unqualified-search-registries = ["docker.io"]\n'
CLIENTS = ("docker", "helm", "podman", "nomad", "kubelet")
NAMES = tuple(
    f"configure {client}{verb}, {kind}"
    for client in CLIENTS
    for kind in ("new", "there")
    for verb in ("", " --undo")
)


def writers(world: World) -> Iterator[Writer]:
    """Yield the writers of each client's files: existing files, and missing ones."""
    home = str(world.home)
    environment = {
        "HOME": home,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "DOCKER_CONFIG": f"{home}/.docker",
        "CONTAINERS_REGISTRIES_CONF": f"{home}/registries.conf",
        "REGISTRY_AUTH_FILE": f"{home}/auth.json",
        "HELM_REGISTRY_CONFIG": f"{home}/helm/config.json",
    }
    ghcr = ("--registry", "ghcr.io", "--helper", "keyring")
    agent = ("--config", f"{home}/nomad.json", "--agent-dir", f"{home}/nomad.d")
    kubelet = ("--file", f"{home}/kubelet.yaml")
    clients = {
        "docker": (ghcr, (), {"home/.docker/config.json": _LOGIN}),
        "helm": (ghcr, (), {"home/helm/config.json": _LOGIN}),
        "podman": (
            (*ghcr, "--all"),
            (),
            {"home/auth.json": _LOGIN, "home/registries.conf": _TOML},
        ),
        "nomad": (
            (*ghcr, *agent),
            agent,
            {"home/nomad.json": _LOGIN, "home/nomad.d/dockcred.hcl": ""},
        ),
        "kubelet": (("--all", *kubelet), kubelet, {"home/kubelet.yaml": ""}),
    }
    for client, (options, undo_options, there) in clients.items():
        configure = ("configure", client, *options)
        undo = ("configure", client, *undo_options, "--undo")
        for kind, found in (("new", False), ("there", True)):

            def prepare(world: World, there=there, found=found) -> None:
                world.home.mkdir(exist_ok=True)
                (world.home / "nomad.d").mkdir(exist_ok=True)
                for name, text in there.items():
                    if found and text:
                        world.write(name, text)

            for verb, argv, before in (
                ("", configure, ()),
                (" --undo", undo, (("dockcred", *configure),)),
            ):
                yield Writer(
                    f"configure {client}{verb}, {kind}",
                    "dockcred",
                    argv,
                    environment,
                    look=files(*there),
                    before=before,
                    prepare=prepare,
                    secrets=(SECRET.encode(), _AUTH.encode()),
                )
