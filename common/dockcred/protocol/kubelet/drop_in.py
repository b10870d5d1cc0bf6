"""Parse the arguments and the file of the clouds' own plugins, which ours replaces."""

from __future__ import annotations

import json

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_MAX_BYTES = 256 * 1024
_MANAGED = "msi"
"""The client id that means the machine's own (managed) identity."""
_RESOURCE = "/subscriptions/"
_CHOICES = ("AZURE_CLIENT_ID", "DOCKCRED_ACR_OBJECT_ID", "DOCKCRED_ACR_RESOURCE_ID")


def variables(path: str) -> dict[str, str]:
    """Return the variables that select the identity in an azure.json file.

    An empty one hides a variable of the environment. The file is read as
    cloud-provider-azure reads it: names in any case, the last of equal names counts,
    and an identity is a resource id or else a client id. Raises InvalidInputError.
    """
    try:
        with open(path, "rb") as file:
            fields = json.loads(file.read(_MAX_BYTES), object_pairs_hook=_by_name)
        managed = fields.get("usemanagedidentityextension", False)
        if not isinstance(managed, bool):
            raise TypeError("not a bool")  # noqa: TRY301 - as for each other field
        tenant, client, secret, certificate, password, identity = (
            _text(fields.get(name.lower(), ""))
            for name in (
                "tenantId",
                "aadClientId",
                "aadClientSecret",
                "aadClientCertPath",
                "aadClientCertPassword",
                "userAssignedIdentityID",
            )
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise InvalidInputError(
            f"{path} cannot be read as Azure's node configuration",
            "see that it is there, is JSON, and that root can read it",
        ) from None
    found = {"AZURE_TENANT_ID": tenant} if tenant else {}
    if managed or client in {"", _MANAGED}:
        found["AZURE_TOKEN_CREDENTIALS"] = "ManagedIdentityCredential"  # noqa: S105
        if identity:
            resource = _RESOURCE in identity.lower()
            name = "DOCKCRED_ACR_RESOURCE_ID" if resource else "AZURE_CLIENT_ID"
            found |= dict.fromkeys(_CHOICES, "") | {name: identity}
        return found
    # Without secret and certificate it must fail: the machine's identity is not meant.
    return found | {
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        "AZURE_CLIENT_ID": client,
        "AZURE_CLIENT_SECRET": secret,
        "AZURE_CLIENT_CERTIFICATE_PATH": "" if secret else certificate,
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": "" if secret else password,
    }


def _by_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's fields as Go reads them: null does not replace a value."""
    return {name.lower(): value for name, value in pairs if value is not None}


def _text(value: Any) -> str:
    """Return a string, number or boolean as text; raise TypeError for others."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError("not a text")
    return str(value)


COMMAND = "get-credentials"
_VARIABLES = {
    "project-id": "DOCKCRED_GOOGLE_PROJECT",
    "identity-provider": "DOCKCRED_GOOGLE_IDENTITY_PROVIDER",
    "google-audience": "DOCKCRED_GOOGLE_AUDIENCE",
    "google-service-account": "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
    # AKS identity bindings: cloud-provider-azure from 1.35.2 on.
    "ib-sni-name": "DOCKCRED_ACR_BINDING_NAME",
    "ib-apiserver-ip": "DOCKCRED_ACR_BINDING_ADDRESS",
    "ib-default-client-id": "DOCKCRED_ACR_BINDING_CLIENT_ID",
    "ib-default-tenant-id": "DOCKCRED_ACR_BINDING_TENANT_ID",
}
_LOGGING = frozenset({"v", "vmodule", "logtostderr", "alsologtostderr"})


class PluginArguments:
    """The parsed arguments: variables to set, and the registry behind each mirror."""

    __slots__ = ("mirrors", "variables")

    def __init__(self) -> None:
        """Start without variables and mirrors."""
        self.variables: dict[str, str] = {}
        self.mirrors: dict[str, str] = {}


def parse(arguments: Sequence[str]) -> PluginArguments:
    """Parse the arguments; raise InvalidInputError for one that no plugin has."""
    options = PluginArguments()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            if not equals and rest and not rest[0].startswith("-"):
                value = rest.pop(0)
            _take(options, name, value)
        elif word.endswith((".json", ".yaml", ".yml")):
            options.variables |= variables(word)
        elif word != COMMAND:
            raise _unknown(word)
    _check_binding(options.variables)
    return options


def _check_binding(found: dict[str, str]) -> None:
    """Raise InvalidInputError for half an identity binding, as AKS's plugin does."""
    flags = {
        flag: found.get(_VARIABLES[flag]) for flag in _VARIABLES if flag[:3] == "ib-"
    }
    name, address = flags["ib-sni-name"], flags["ib-apiserver-ip"]
    if any(flags.values()) and not (name and address):
        raise InvalidInputError(
            "an identity binding is not whole",
            "give the plugin both --ib-sni-name and --ib-apiserver-ip",
        )
    if name and "/" in name:
        raise InvalidInputError(
            "--ib-sni-name is not a host's name", "write it without https://"
        )


def _take(options: PluginArguments, name: str, value: str) -> None:
    if name in _VARIABLES:
        options.variables[_VARIABLES[name]] = value
    elif name == "registry-mirror":
        for pair in value.split(","):
            host, colon, target = pair.partition(":")
            if not (host and colon and target):
                raise InvalidInputError(
                    "--registry-mirror is not FROM:TO", "write HOST:REGISTRY"
                )
            options.mirrors[host] = target
    elif name == "authFlow":
        if value != "gcr":
            raise InvalidInputError(
                "--authFlow is not gcr: passwords in instance metadata are not read",
                "give the node a service account",
            )
    elif name not in _LOGGING:
        raise _unknown(f"--{name}")


def _unknown(word: str) -> InvalidInputError:
    return InvalidInputError(
        f"there is no argument {word!a:.60}",
        f"kubelet's plugins take {COMMAND}, an azure.json and the flags in the README",
    )
