"""Serve the sandbox's CI systems until killed. This program is run in the world.

When they serve, it writes the file that the first argument names. The file is JSON: the
issuers' URLs, the variables of an allowed job of each, and tokens that must be refused.
In each of these tokens one claim, or the key, differs from the job's token.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from dockcred.testing.sandbox import Sandbox

JOBS = {"github": "ci-github", "gitlab": "ci-gitlab"}
OF_JOBS = ("ACTIONS_", "CI", "DOCKCRED_OIDC_", "GITHUB_", "GITLAB_", "REGISTRY_")
TWINS = {
    "github": {
        "repository": {"repository_id": "74012346", "sub": "repo:octo/other:ref:x"},
        "event": {"event_name": "pull_request"},
        "ref": {"ref": "refs/tags/v1"},
        "subject-only": {"repository_id": None, "repository_owner_id": None},
    },
    "gitlab": {
        "project": {"project_id": "21"},
        "ref": {"ref": "feature"},
        "unprotected": {"ref_protected": "false"},
    },
}
OF_EVERY_ISSUER = {
    "issuer": {"iss": "https://issuer.example.com"},
    "audience": {"aud": "https://other.example.com"},
    "expired": {"exp": int(time.time()) - 120},
    "not-yet": {"nbf": int(time.time()) + 3600},
}

# Exit in order, so that the sandbox removes its homes.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())

with Sandbox() as cloud:
    audience = cloud.ci.audience
    answer = {"audience": audience, "issuers": {}, "jobs": {}, "twins": {}}
    for name, identity in JOBS.items():
        issuer = getattr(cloud.ci, name)
        answer["issuers"][name] = issuer.url
        answer["jobs"][name] = {
            variable: value
            for variable, value in cloud.environment(identity).items()
            if variable.startswith(OF_JOBS)
        }
        changed = TWINS[name] | OF_EVERY_ISSUER
        twins = {
            twin: issuer.token(audience, **claims) for twin, claims in changed.items()
        }
        # The right claims, signed by another issuer's key.
        twins["key"] = cloud.ci.generic.token(audience, **issuer.job, iss=issuer.url)
        answer["twins"][name] = twins
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(file.name, sys.argv[1])
    signal.pause()
