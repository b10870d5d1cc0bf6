"""azure.json of a node: who acr-credential-provider is to be.

cloud-provider-azure, "Cluster config". Only JSON: a YAML reader is not part of Python.
"""

from __future__ import annotations

import json

from dockcred.errors import InvalidInputError

_MAX_BYTES = 256 * 1024
_MANAGED = "msi"
"""What stands for a client where the machine's own identity is meant."""


def variables(path: str) -> dict[str, str]:
    """Answer Azure's variables for the file's identity; raise InvalidInputError."""
    try:
        with open(path, "rb") as file:
            fields = json.loads(file.read(_MAX_BYTES))
        texts = {
            name: str(fields.get(name) or "")
            for name in (
                "tenantId",
                "aadClientId",
                "aadClientSecret",
                "userAssignedIdentityID",
            )
        }
    except (OSError, ValueError, AttributeError, RecursionError):
        raise InvalidInputError(
            f"{path} cannot be read as Azure's node configuration",
            "see that it is there, is JSON, and that root can read it",
        ) from None
    found = {"AZURE_TENANT_ID": texts["tenantId"]}
    client, secret = texts["aadClientId"], texts["aadClientSecret"]
    if fields.get("useManagedIdentityExtension") or client in {"", _MANAGED}:
        found["AZURE_CLIENT_ID"] = texts["userAssignedIdentityID"]
        found["AZURE_TOKEN_CREDENTIALS"] = "ManagedIdentityCredential"  # noqa: S105
    else:
        found["AZURE_CLIENT_ID"] = client
        found["AZURE_CLIENT_SECRET"] = secret
    return {name: value for name, value in found.items() if value}
