"""Readers of a file do what `dockcred check` says that they do."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.clients import formats
from dockcred.clients import formats as rendering
from dockcred.clients.entries import Login
from dockcred.clients.findings import Severity
from dockcred.credential import Credential

HUB = "https://index.docker.io/v1/"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


GOOD = {"auth": b64("me:p=wd")}
UNPADDED = {"auth": GOOD["auth"].rstrip("=")}
STUB: dict[str, str] = {}
FIELDS = {"username": "me", "password": "p=wd"}


def worst(form: str, text: str, reader: str = "") -> Severity:
    return max(f.severity for f in formats.check(form, text.encode(), reader))


def run(*command: str, stdin: str = "", **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        command,
        input=stdin,
        env={"HOME": "/nonexistent", "PATH": os.defpath, **variables},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    return done.returncode, done.stdout


def auths(**entries: object) -> str:
    return json.dumps({"auths": {k.replace("_", "."): v for k, v in entries.items()}})


@pytest.mark.parametrize(
    "text, takes",
    [
        (auths(a_example=GOOD), True),
        (auths(a_example={"auth": b64("me:p=wd\n")}), True),
        (auths(a_example=GOOD | FIELDS), True),
        (auths(a_example=GOOD, b_example=STUB), False),
        (auths(a_example=FIELDS), False),
        (auths(a_example={"identitytoken": "x"}), False),
        (auths(a_example=UNPADDED), False),
        (auths(a_example={"auth": b64("nobody")}), False),
        ('{"credHelpers": {"a.example": "x"}}', False),
    ],
)
def test_a_guest_refuses_what_is_an_error(
    rust_reader: str, text: str, takes: bool
) -> None:
    status, _ = run(rust_reader, "image-rs", stdin=text)
    assert (status == 0) is takes
    assert (worst("containers-auth", text, "coco") < Severity.ERROR) is takes


@pytest.mark.parametrize(
    "text, server, read",
    [
        (auths(a_example=GOOD), "a.example", "me:p=wd"),
        (auths(a_example=FIELDS), "a.example", "me:p=wd"),
        (auths(a_example=STUB), "a.example", ":"),
        (auths(a_example=UNPADDED), "a.example", ":"),
        (auths(a_example={"auth": b64("me")}), "a.example", ":"),
        (
            json.dumps({"auths": {"https://a.example/v1/": GOOD}}),
            "a.example",
            "me:p=wd",
        ),
        (json.dumps({"auths": {"a.example/team": GOOD}}), "a.example/team", "me:p=wd"),
        (json.dumps({"auths": {"docker.io": GOOD}}), HUB, ":"),
        (json.dumps({"auths": {"index.docker.io": GOOD}}), HUB, ":"),
        (json.dumps({"auths": {HUB: GOOD}}), HUB, "me:p=wd"),
        (json.dumps({"auths": {"*.example": GOOD}}), "a.example", ":"),
    ],
)
def test_docker_reads_what_is_in_order(
    go_reader: str, tmp_path: Path, text: str, server: str, read: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    _, found = run(go_reader, "docker", server, DOCKER_CONFIG=str(tmp_path))
    assert found == read
    # Only a reader that asks for a path finds its key, and docker asks for hosts.
    in_order = read != ":" and "/team" not in server and "username" not in text
    assert (worst("docker-config", text) < Severity.WARNING) is in_order


@pytest.mark.parametrize(
    "text, server, read",
    [
        (auths(a_example=GOOD), "a.example", "me:p=wd"),
        (auths(a_example=STUB), "a.example", ""),
        (auths(a_example={"auth": b64("nobody")}), "a.example", ""),
        (json.dumps({"auths": {HUB: GOOD}}), "index.docker.io", "me:p=wd"),
    ],
)
def test_genpolicy_reads_what_is_in_order(
    rust_reader: str, tmp_path: Path, text: str, server: str, read: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    _, found = run(rust_reader, "genpolicy", server, DOCKER_CONFIG=str(tmp_path))
    assert found == read
    assert (worst("docker-config", text) < Severity.WARNING) is bool(read)


@pytest.mark.parametrize(
    "config, read",
    [
        (auths(a_example=GOOD), "me:p=wd"),
        (auths(a_example=GOOD | FIELDS), ":"),
        (auths(a_example=GOOD, b_example=STUB), ":"),
        (auths(a_example=UNPADDED), ":"),
        (json.dumps({"auths": {"a.example": GOOD}, "credsStore": "x"}), ":"),
    ],
)
def test_docker_reads_a_variable_strictly(
    go_reader: str, tmp_path: Path, config: str, read: str
) -> None:
    places = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_AUTH_CONFIG": config}
    _, found = run(go_reader, "docker", "a.example", **places)
    assert found == read
    in_order = worst("env", f"DOCKER_AUTH_CONFIG={config}") < Severity.ERROR
    assert in_order is (read != ":")


AUTH = f'auth = "{GOOD["auth"]}"'


@pytest.mark.parametrize(
    "text, registries",
    [
        (f'[registries."a.example."]\n{AUTH}', {"a.example.": GOOD["auth"]}),
        (f"[registries.a]\n{AUTH}", {"a": GOOD["auth"]}),
        (f"[registries.a.example]\n{AUTH}", {"a": ""}),
        ('[registries."a.example."]\nauht = "x"', {"a.example.": ""}),
        ('[registries."a.example."]\nAUTH = "x"', {"a.example.": "x"}),
        ('[registries."a.example."]\nauth = 1', None),
        ("[registries.a.example.]", None),
        (f'[Registries."a.example."]\n{AUTH}', {"a.example.": GOOD["auth"]}),
    ],
)
def test_go_toml_reads_a_table_as_we_say(
    go_reader: str, tmp_path: Path, text: str, registries: dict[str, str] | None
) -> None:
    file = tmp_path / "contrast-imagepuller.toml"
    file.write_text(text)
    status, found = run(go_reader, "parse", str(file))
    if registries is None:
        assert status == 1
        assert worst("contrast-toml", text) is Severity.ERROR
        return
    tables = json.loads(found)["Registries"]
    assert {host: table.get("auth", "") for host, table in tables.items()} == registries


HOSTS = ("registry.corp.", ".corp.", "mirror.registry.corp.", ".", "index.docker.io.")


@pytest.mark.parametrize(
    "host, table",
    [
        ("registry.corp", ".corp. registry.corp."),
        ("x.registry.corp", ".corp. registry.corp."),
        ("mirror.registry.corp", "mirror.registry.corp."),
        ("x.mirror.registry.corp", "mirror.registry.corp."),
        ("other.corp", ".corp."),
        ("corp", "."),
        ("registry.corp.evil", "."),
        ("evil-registry.corp", ".corp."),
        ("index.docker.io", "index.docker.io."),
        ("docker.io", "."),
    ],
)
def test_contrast_takes_the_table_with_most_labels(
    go_reader: str, tmp_path: Path, host: str, table: str
) -> None:
    file = tmp_path / "contrast-imagepuller.toml"
    file.write_text("".join(f'[registries."{name}"]\n{AUTH}\n' for name in HOSTS))
    assert run(go_reader, "match", str(file), host) == (0, table)


@pytest.mark.parametrize(
    "keys, host",
    [
        (("registry.corp.", ".corp."), "registry.corp"),
        (("registry.corp.", "registry.corp"), "registry.corp"),
        (("registry.corp.", "other.corp."), "registry.corp"),
        (("registry.corp.", ".registry.corp."), "x.registry.corp"),
        (("registry.corp.", ".other."), "registry.corp"),
        ((".corp.", "."), "x.corp"),
        ((".", "corp."), "corp"),
        ((".a.corp.", "x.a.corp."), "x.a.corp"),
    ],
)
def test_a_host_that_contrast_finds_twice_is_told(
    go_reader: str, tmp_path: Path, keys: tuple[str, ...], host: str
) -> None:
    text = "".join(f'[registries."{key}"]\n{AUTH}\n' for key in keys)
    file = tmp_path / "contrast-imagepuller.toml"
    file.write_text(text)
    _, found = run(go_reader, "match", str(file), host)
    told = [
        finding.text
        for finding in formats.check("contrast-toml", text.encode(), "")
        if "as many labels" in finding.text
    ]
    assert len(told) == len(found.split()) - 1


@pytest.mark.parametrize(
    "host", ["ghcr.io.evil.example", "evil-ghcr.io", "io", "ghcr.com", "ghcr", "hcr.io"]
)
def test_what_is_rendered_for_contrast_is_taken_for_no_look_alike(
    go_reader: str, tmp_path: Path, host: str
) -> None:
    login = Login("ghcr.io", Credential("me", "p=wd"))
    file = tmp_path / "contrast-imagepuller.toml"
    file.write_bytes(rendering.render("contrast-toml", [login]))
    assert run(go_reader, "match", str(file), "ghcr.io") == (0, "ghcr.io.")
    assert run(go_reader, "match", str(file), host) == (0, "")
