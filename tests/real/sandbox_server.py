"""Serve the sandbox cloud until killed; a program of its own, run in the world.

The file named by the only argument appears when the cloud serves, and holds, as
JSON, its URL, the variables of each identity, and the certificate that Azure's
registries believe.

With a second argument, the private key of a real cluster's accounts, the clouds trust
that cluster: its issuer and the role of `team/builder` are in the answer too.
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

CLOUDS = ("AWS_", "AZURE_", "GCE_", "GH_", "GITHUB_")
IDENTITIES = (
    *("env-keys", "instance-profile"),
    *("azure-imds", "google-metadata", "github-gh-token"),
)

BUILDER = "system:serviceaccount:team:builder"


def trust(cloud: Sandbox, file: str) -> dict[str, str]:
    """Have the clouds trust the tokens that an API server signs with this key."""
    key = load_pem_private_key(Path(file).read_bytes(), None)
    public = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.urlsafe_b64encode(hashlib.sha256(public).digest())
    issuer = cloud.ci.kubernetes
    # The key's id as kube-apiserver makes it.
    issuer.adopt(digest.rstrip(b"=").decode(), key)
    cloud.aws.issuer = issuer
    role = cloud.aws.add_role(Role(ACCOUNT, "pull", trusts=BUILDER))
    return {"issuer": issuer.url, "role": role.arn}


# An orderly end, so that the cloud removes what it wrote.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())

with Sandbox() as cloud:
    # The rest sets up a home; here every client has one of its own.
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
        **(trust(cloud, sys.argv[2]) if len(sys.argv) > 2 else {}),
    }
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(file.name, sys.argv[1])
    signal.pause()
