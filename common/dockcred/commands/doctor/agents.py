"""What kubelet and Nomad find for an image, by the command lines that start them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

from dockcred.clients import files, kubelet, nomad
from dockcred.clients.docker import read as docker_read
from dockcred.clients.files import Found
from dockcred.clients.findings import KEY, command, error, fine, note
from dockcred.commands.doctor import entries, helpers, registry, service
from dockcred.commands.doctor.service import BIN_FLAG, CONFIG_FLAG
from dockcred.commands.doctor.verdict import Sent, whose
from dockcred.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any

    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.commands.doctor.verdict import Following

    Asked = Callable[[Case, list[Found], str], Following]

KUBELET, NOMAD = "kubelet", "nomad"
AGENTS = (KUBELET, NOMAD)


def follow_kubelet(case: Case) -> Following:
    """Follow a pull of kubelet's, from the flags of its unit."""
    of = case.service
    path, directory = service.kubelet_places(of)
    if not path or not directory:
        name = of.unit if of else "kubelet.service, which is not here,"
        flags = f"--{CONFIG_FLAG} and --{BIN_FLAG}"
        text = f"{name} does not name {flags}: kubelet asks nobody"
        yield error(entries.FILE, text, "add both flags, and restart kubelet")
        return Sent()
    try:
        contents = kubelet.read(path)
    except OSError as failed:
        place = failed.filename or path
        yield error(entries.FILE, f"{place}: {failed.strerror}: kubelet does not start")
        return Sent()
    for name, each in kubelet.problems(contents):
        yield error(entries.FILE, f"{name}: {each.text}", each.remedy)
        return Sent()
    yield fine(entries.FILE, ", ".join(contents))
    image, host = kubelet.image_of(case.reference), case.reference.authority
    if asked := kubelet.asked(contents, image):
        return (yield from _providers(asked, directory, case))
    text = f"no matchImages of {path} has {image}: kubelet pulls it anonymously"
    own = kubelet.own_file(path, contents)
    again = command("dockcred", "configure", "kubelet", "--file", own)
    tell = error if case.needs_credential else note
    yield tell(
        KEY, text, f"add it there, or run: {again} {command('--registry', host)}"
    )
    yield from registry.check(case, None) if tell is note else ()
    return Sent()


def _providers(
    asked: list[tuple[str, Mapping[str, Any], str]], directory: str, case: Case
) -> Following:
    """Ask each provider whose matchImages has the image, as kubelet does."""
    credential = None
    for _, provider, pattern in asked:
        yield fine(KEY, f"{pattern} = {provider['name']}")
        credential = yield from _plugin(provider, directory, case)
        if credential:
            break
    if credential or not case.needs_credential:
        yield from registry.check(case, credential)
    return Sent(whose(credential), is_configured=True)


def _plugin(
    provider: Mapping[str, Any], directory: str, case: Case
) -> Generator[Finding, None, Credential | None]:
    """Ask a plugin as kubelet does, and return its credential.

    It is asked for the node: a pod's own token is known to kubelet alone.
    """
    file = os.path.join(directory, provider["name"])
    if not os.access(file, os.X_OK):
        text = f"{file} cannot be run: kubelet pulls nothing that it is named for"
        install = command("dockcred", "install", "--dir", directory, "--programs")
        ours = provider["name"] == kubelet.PROVIDER
        yield error(
            helpers.STEP, text, fix=f"{install} {provider['name']}" if ours else ""
        )
        return None
    yield fine(helpers.STEP, file)
    if provider.get("tokenAttributes"):
        yield note(
            helpers.STEP, "a pod's own token is not here: it is asked as the node"
        )
    own = {each["name"]: each["value"] for each in provider.get("env") or ()}
    request = {
        "apiVersion": provider["apiVersion"],
        "kind": "CredentialProviderRequest",
        "image": kubelet.image_of(case.reference),
    }
    try:
        done = subprocess.run(
            [file, *map(str, provider.get("args") or ())],
            input=json.dumps(request).encode(),
            env=case.environment.with_values(own).set_values(),
            capture_output=True,
            timeout=case.timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        yield error(
            helpers.ANSWER_STEP, f"{file} did not answer: {type(failed).__name__}"
        )
        return None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:500]
        cause, _, remedy = said.partition("; ")
        yield error(helpers.ANSWER_STEP, f"{provider['name']} fails: {cause}", remedy)
        return None
    held = _answer(done.stdout, kubelet.image_of(case.reference))
    if held is None:
        tell = error if case.needs_credential else note
        yield tell(
            helpers.ANSWER_STEP,
            f"{provider['name']} has none: kubelet goes on anonymously",
        )
        return None
    yield fine(helpers.ANSWER_STEP, f"{whose(held)}")
    return held


def _answer(output: bytes, image: str) -> Credential | None:
    """Return the credential that kubelet takes from an answer; None if it has none.

    No text of the answer is ever shown.
    """
    try:
        found = json.loads(output)["auth"] or {}
        for pattern, held in found.items():
            if kubelet.matches(pattern, image):
                return Credential(held["username"], held["password"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return None


def follow_nomad(case: Case, asked: Asked) -> Following:
    """Follow a pull of Nomad's docker driver; `asked` checks what it has for the image.

    If a helper for all images answers "not found", the driver fails the task.
    """
    places = yield from _nomad_places(case)
    sent = yield from asked(case, places, NOMAD)
    is_for_all = bool(places) and places[-1].key == nomad.FOR_ALL
    is_empty = case.environment.get("DOCKCRED_ON_MISS") == "empty"
    if is_for_all and not sent.who and not is_empty:
        yield error(
            helpers.ANSWER_STEP,
            "Nomad takes a miss of a helper for all images for a failure of the task",
            "set DOCKCRED_ON_MISS=empty in the agent's unit, or name helpers by host",
        )
    return sent


def _nomad_places(case: Case) -> Generator[Finding, None, list[Found]]:
    """Return what Nomad's docker driver has for a registry, in the order of its search.

    Each is an entry of a file, or a helper.
    """
    directory = service.nomad_directory(case.service)
    block = nomad.block_in_force(directory)
    if block is None:
        yield note(
            entries.FILE,
            f'no plugin "docker" block with auth is in {directory}: Nomad pulls what a'
            " job has no auth block for anonymously",
            "run: "
            + command("dockcred", "configure", NOMAD, "--agent-dir", directory)
            + f" --registry {case.reference.authority}",
        )
        return []
    yield fine(entries.FILE, block.path)
    asks = case.reference.containers_key
    places = []
    if block.config:
        file = docker_read.DockerFile(block.config)
        if file.state != files.READ:
            yield error(
                entries.FILE, f"{block.config} is {file.state_in_words}: tasks fail"
            )
        elif found := docker_read.look_up(file, case.reference.docker_key):
            found.asks = asks if found.helper else ""
            places.append(found)
    if block.helper:
        places.append(Found(block.path, nomad.FOR_ALL, helper=block.helper, asks=asks))
    for found in places:
        yield from entries.check_place(found, case, NOMAD)
    if not places:
        text = (
            f"{block.path} has nothing for {case.reference.name}: Nomad asks as nobody"
        )
        yield note(KEY, text)
    return places
