"""Serve the sandbox until it is killed; a separate program, run in the world.

The first argument names a file that is written once the sandbox serves. It holds, as
JSON, the sandbox's URL, the variables of each identity, and the certificate that
Azure's registries trust.

Two more arguments may follow: the private key of a real cluster's accounts, and an
address. Then the clouds trust that cluster's tokens, and serve their real host names
at the address. The file also names what `team/builder` may use in each cloud, and the
authority of the certificates.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.google import sts
from dockcred.testing.sandbox.google.principals import email

CLOUDS = ("AWS_", "AZURE_", "GCE_", "GH_", "GITHUB_", "CI_")
IDENTITIES = (
    *("env-keys", "instance-profile"),
    *("azure-imds", "google-metadata", "github-gh-token", "gitlab-job"),
)

BUILDER = "system:serviceaccount:team:builder"


def trust(cloud: Sandbox, file: str, address: str) -> dict[str, str]:
    """Make the clouds trust tokens that an API server signs with this key."""
    key = load_pem_private_key(Path(file).read_bytes(), None)
    public = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.urlsafe_b64encode(hashlib.sha256(public).digest())
    issuer = cloud.ci.kubernetes
    # The key's id, computed like kube-apiserver's.
    issuer.adopt(digest.rstrip(b"=").decode(), key)
    issuer.issuer = issuer.url  # Entra compares this one
    cloud.aws.issuer = cloud.azure.cluster = cloud.google.issuer = issuer
    role = cloud.aws.add_role(Role(ACCOUNT, "pull", trusts=BUILDER))
    application = cloud.azure.directory.add(Principal("pull", subject=BUILDER))
    account = email("puller")
    cloud.google.principals.allow(sts.principal(BUILDER), account)
    cloud.listen(address, 443, tls=True)
    return {
        "issuer": issuer.url,
        "role": role.arn,
        "application": application.client_id,
        "tenant": TENANT,
        "pool": sts.PROVIDERS["oidc"],
        "account": account,
        "authority": cloud.ca_file.read_text(),
    }


# Exit in order, so that the sandbox removes its files.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())

with Sandbox() as cloud:
    # The other variables are for a home directory; here each client has its own.
    environments = {
        identity: {
            name: value
            for name, value in cloud.environment(identity).items()
            if name.startswith(CLOUDS)
        }
        for identity in IDENTITIES
    }
    answer = {
        "url": cloud.url,
        "environments": environments,
        "certificate": cloud.azure.registry_certificate.decode(),
        **(trust(cloud, *sys.argv[2:]) if len(sys.argv) > 2 else {}),
    }
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(file.name, sys.argv[1])
    signal.pause()
