"""The Oracle identities: what each leaves in the home and the environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.home import write_private
from dockcred.testing.sandbox.oracle.tenancy import REGION, TENANCY, ocid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from dockcred.testing.sandbox.oracle import Oracle

Variables = dict[str, str]
# Nothing listens there, so the real metadata service is not asked.
NO_METADATA = {"OCI_METADATA_BASE_URL": "http://127.0.0.1:9/opc/v2"}
PASSPHRASE = "a passphrase of the sandbox"
SESSION_LIFE_S = 3600
CLUSTER = "oke.sandbox.example"


def api_key(cloud: Oracle, home: Path, url: str) -> Variables:
    """Have a user's API key in ~/.oci/config."""
    del url
    said, key = cloud.tenancy.user("api-key")
    profile(home, said | {"key_file": _key(home, _pem(key))})
    return NO_METADATA


def encrypted_key(cloud: Oracle, home: Path, url: str) -> Variables:
    """Have an API key with a passphrase, in a profile of another file."""
    del url
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    said, key = cloud.tenancy.user("encrypted-key")
    coded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    )
    said |= {"key_file": _key(home, coded), "pass_phrase": PASSPHRASE}
    profile(home, said, "WORK", "oci.ini")
    return NO_METADATA | {
        "OCI_CLI_CONFIG_FILE": str(home / "oci.ini"),
        "OCI_CLI_PROFILE": "WORK",
    }


def variables(cloud: Oracle, home: Path, url: str) -> Variables:
    """Have the whole API key in variables, as CI jobs do."""
    del home, url
    said, key = cloud.tenancy.user("variables")
    named = {f"OCI_CLI_{name.upper()}": value for name, value in said.items()}
    content = {"OCI_CLI_KEY_CONTENT": _pem(key).decode(), "OCI_CLI_REGION": REGION}
    return NO_METADATA | named | content


def session(cloud: Oracle, home: Path, url: str) -> Variables:
    """Be logged in with `oci session authenticate`."""
    del url
    from dockcred.testing.sandbox.rs256 import new_key  # noqa: PLC0415

    key, user = new_key(), ocid("user.session")
    return _session(cloud, home, key, user)


def _session(cloud: Oracle, home: Path, key: rsa.RSAPrivateKey, user: str) -> Variables:
    now = time.time()
    token = cloud.tenancy.session(user, key.public_key(), now, SESSION_LIFE_S)
    path = write_private(home / ".oci/sessions/token", token.encode(), 0o600)
    profile(
        home,
        {
            "fingerprint": ":".join(["00"] * 16),
            "tenancy": TENANCY,
            "key_file": _key(home, _pem(key)),
            "security_token_file": str(path),
        },
    )
    return NO_METADATA


def instance_principal(cloud: Oracle, home: Path, url: str) -> Variables:
    """Be a compute instance, by its metadata service."""
    del cloud, home
    return {"OCI_METADATA_BASE_URL": f"{url}/opc/v2"}


def resource_principal(cloud: Oracle, home: Path, url: str) -> Variables:
    """Be a function, whose platform keeps a token and its key in files."""
    del url
    token, key = _resource(cloud)
    named = {
        "OCI_RESOURCE_PRINCIPAL_RPST": write_private(home / "rpst", token, 0o600),
        "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": write_private(
            home / "rp.pem", _pem(key), 0o600
        ),
    }
    return NO_METADATA | _RESOURCE | {name: str(path) for name, path in named.items()}


def resource_principal_variables(cloud: Oracle, home: Path, url: str) -> Variables:
    """Be a resource whose token and key are in the variables themselves."""
    del home, url
    token, key = _resource(cloud)
    return (
        NO_METADATA
        | _RESOURCE
        | {
            "OCI_RESOURCE_PRINCIPAL_RPST": token.decode(),
            "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": _pem(key).decode(),
        }
    )


_RESOURCE = {
    "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2",
    "OCI_RESOURCE_PRINCIPAL_REGION": REGION,
}


def _resource(cloud: Oracle) -> tuple[bytes, rsa.RSAPrivateKey]:
    from dockcred.testing.sandbox.rs256 import new_key  # noqa: PLC0415

    key, function = new_key(), ocid("fnfunc", REGION)
    now = time.time()
    token = cloud.tenancy.session(function, key.public_key(), now, SESSION_LIFE_S)
    return token.encode(), key


def workload_identity(cloud: Oracle, home: Path, url: str) -> Variables:
    """Be a pod on OKE, which shows its service account's token to the cluster."""
    del url
    token = cloud.service_account_token("workload", time.time())
    path = write_private(home / "serviceaccount/token", token.encode(), 0o600)
    return (
        NO_METADATA
        | _RESOURCE
        | {
            "OCI_CLI_AUTH": "oke_workload_identity",
            "KUBERNETES_SERVICE_HOST": CLUSTER,
            "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH": str(path),
            "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH": str(home.parent / "ca.pem"),
        }
    )


def nobody(cloud: Oracle, home: Path, url: str) -> Variables:
    """Have no Oracle identity at all."""
    del cloud, home, url
    return NO_METADATA


def profile(
    home: Path, fields: dict[str, str], name: str = "DEFAULT", path: str = ".oci/config"
) -> None:
    """Write one profile of Oracle's configuration."""
    lines = [
        f"{field}={value}" for field, value in (fields | {"region": REGION}).items()
    ]
    text = "\n".join((f"[{name}]", *lines, ""))
    write_private(home / path, text.encode(), 0o600)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

    return rs256.pem(key).encode()


def _key(home: Path, pem: bytes) -> str:
    return str(write_private(home / ".oci/key.pem", pem, 0o600))


IDENTITIES: dict[str, Callable[[Oracle, Path, str], Variables]] = {
    f"oracle-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        api_key,
        encrypted_key,
        variables,
        session,
        instance_principal,
        resource_principal,
        resource_principal_variables,
        workload_identity,
        nobody,
    )
}
