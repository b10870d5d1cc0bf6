"""Serve the sandbox cloud until killed; a program of its own, run in the world.

The file named by the only argument appears when the cloud serves, and holds, as
JSON, its URL, the variables of each identity, and the certificate that Azure's
registries believe.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from dockcred.testing.sandbox import Sandbox

CLOUDS = ("AWS_", "AZURE_", "GCE_", "GH_", "GITHUB_")
IDENTITIES = ("env-keys", "azure-imds", "google-metadata", "github-gh-token")

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
    }
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(file.name, sys.argv[1])
    signal.pause()
