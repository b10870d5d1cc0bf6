"""The targets by name: the module of each, and the modules that it tests."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
SECRET = "hush-7Qx2fuzz"
CODED = base64.b64encode(f"ada:{SECRET}".encode()).decode()
"""SECRET is the secret of every input in the corpus, CODED its `auth` for user ada."""

SLOW_S = 2.0
"""The most seconds of processor time for one input; a fuzzer makes code slower."""


@dataclass(frozen=True)
class Target:
    """One target.

    module      the module of this folder that has a function of the target's name
    about       the modules of dockcred whose reached lines are counted
    hides       the name of a function in fuzz.hidden that says whether an input has a
                secret that may not be shown, or ""
    most_bytes  the longest input
    """

    module: str
    about: tuple[str, ...]
    hides: str = ""
    most_bytes: int = 4096


_CLIENTS = "dockcred.clients"
TARGETS = {
    "server-url": Target("wire", ("dockcred.credential", f"{_CLIENTS}.reference")),
    "hosts": Target(
        "wire",
        tuple(
            f"dockcred.providers.{name}.hosts"
            for name in ("ecr", "acr", "google", "github", "gitlab", "oracle", "alibaba")
        ),
    ),
    "front": Target(
        "front", ("dockcred.identity.cache.ticket", "dockcred.identity.cache.files")
    ),
    "store-request": Target("wire", ("dockcred.protocol.wire",), "in_json"),
    "forward-request": Target("wire", ("dockcred.commands.forward.wire",), "in_json"),
    "kubelet-request": Target(
        "wire",
        ("dockcred.protocol.kubelet.wire", "dockcred.protocol.kubelet.service_account"),
        "in_json",
    ),
    "http-response": Target("wire", ("dockcred.transport.response",)),
    "json": Target("documents", ("dockcred.transport.json_reader",)),
    "checked-file": Target("documents", (_CLIENTS,), "as_auth"),
    "docker-variable": Target(
        "documents", (f"{_CLIENTS}.docker.read", f"{_CLIENTS}.go_json"), "as_auth"
    ),
    "edited-json": Target("documents", (f"{_CLIENTS}.edit.json_text",)),
    "registries-conf": Target("documents", (f"{_CLIENTS}.containers.read",)),
    "nomad-agent": Target("documents", (f"{_CLIENTS}.nomad",)),
    "config-toml": Target(
        "documents", ("dockcred.identity.config", "dockcred.system.toml_table")
    ),
    "targets-file": Target("documents", ("dockcred.commands.refresh.targets_file",)),
    "service-settings": Target(
        "documents",
        ("dockcred.commands.token_service.settings_file",
         "dockcred.commands.token_service.rule"),
    ),
    "id-token": Target(
        "tokens",
        ("dockcred.commands.token_service.id_token", "dockcred.transport.json_reader"),
        "always",
    ),
    "key-set": Target("tokens", ("dockcred.commands.token_service.issuer_documents",)),
    "token-request": Target(
        "tokens", ("dockcred.commands.token_service.request",), "in_authorization"
    ),
    "challenge": Target(
        "tokens",
        ("dockcred.commands.doctor.registry", "dockcred.commands.doctor.realm"),
    ),
    "aws-files": Target("clouds", ("dockcred.providers.ecr.profiles",), "in_ini"),
    "google-file": Target(
        "clouds", ("dockcred.providers.google.logins",), "in_json"
    ),
    "oracle-file": Target("clouds", ("dockcred.providers.oracle.profiles",), "in_ini"),
    "alibaba-file": Target(
        "clouds", ("dockcred.providers.alibaba.profiles",), "in_ini"
    ),
    "azure-node-file": Target(
        "clouds", ("dockcred.protocol.kubelet.drop_in",), "in_json"
    ),
    "tool-login": Target(
        "clouds",
        ("dockcred.identity.tool_login", "dockcred.providers.gitlab.glab"),
    ),
    "vault": Target(
        "stores", ("dockcred.stores.vault_file", "dockcred.stores.vault_key")
    ),
    "d-bus": Target("stores", ("dockcred.stores.secretservice.wire",)),
}  # fmt: skip


class Tried:
    """An imported target; call it with an input to get its fault."""

    def __init__(self, name: str) -> None:
        target = TARGETS[name]
        module = import_module(f"fuzz.{target.module}")
        self._one: Callable[[bytes], object] = getattr(module, name.replace("-", "_"))
        self._hides: Callable[[bytes], bool] | None = (
            getattr(import_module("fuzz.hidden"), target.hides)
            if target.hides
            else None
        )
        self._errors: tuple[type[Exception], ...] = module.ERRORS

    def __call__(self, data: bytes) -> str:
        """Return the kind of fault that an input causes, with its place; "" if none."""
        began = time.process_time()
        try:
            shown = self._one(data)
        except self._errors as error:
            shown = str(error) + repr(getattr(error, "remedy", ""))
        except Exception as error:  # noqa: BLE001 - each is a fault, and is returned
            return f"{type(error).__name__} {_place(error)}"
        took = time.process_time() - began
        if took > SLOW_S:
            return f"took {took:.0f} s"
        if self._hides and self._hides(data):
            text = str(shown)
            if SECRET in text or CODED in text:
                return "shows the secret"
        return ""


def _place(error: Exception) -> str:
    """Return the innermost line of our code where an error was raised; of an assertion
    also its text."""
    trace, innermost, ours = error.__traceback__, "", ""
    while trace:
        file = Path(trace.tb_frame.f_code.co_filename)
        innermost = f"{file.name}:{trace.tb_lineno}"
        if "dockcred" in file.parts:
            ours = innermost
        trace = trace.tb_next
    words = str(error).split("\n")[0][:100] if isinstance(error, AssertionError) else ""
    return f"at {ours or innermost} {words}".strip()
