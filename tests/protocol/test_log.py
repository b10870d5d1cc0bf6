"""The debug log names hosts, but never the part of an address that is a secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST

from dockcred.testing.sandbox import Sandbox

ACR = "contoso.azurecr.io"
WORD = "canary-7f3a"
LEADS = {
    # Where the secret is: identity, helper, registry, variable, the variable's value.
    "the path of a container's credentials": (
        *("container-relative", "ecr-login", HOST),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", f"/v2/credentials/{WORD}"),
    ),
    "the path of a container's whole address": (
        *("pod-identity", "ecr-login", HOST),
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:9/{WORD}?t={WORD}"),
    ),
    "the query of an identity endpoint": (
        *("azure-app-service", "acr-login", ACR),
        *("IDENTITY_ENDPOINT", f"http://127.0.0.1:9/{WORD}/token?code={WORD}"),
    ),
    "the signature in an exchange's address": (
        *("ci-variable", "oidc", ""),
        *("DOCKCRED_OIDC_EXCHANGE", f"https://127.0.0.1:9/{WORD}?sig={WORD}"),
    ),
    "the address at which a job asks": (
        *("ci-github", "oidc", ""),
        *("ACTIONS_ID_TOKEN_REQUEST_URL", f"https://127.0.0.1:9/{WORD}?x={WORD}"),
    ),
    "the password of a proxy": (
        *("env-keys", "ecr-login", HOST),
        *("HTTPS_PROXY", f"http://user:{WORD}@127.0.0.1:9"),
    ),
}


@pytest.mark.parametrize("road", ["", "sdk"])
@pytest.mark.parametrize("what", LEADS)
def test_it_is_in_no_line(
    what: str, road: str, cloud: Sandbox, helper_bin: Path
) -> None:
    identity, helper, host, variable, value = LEADS[what]
    environment = cloud.environment(identity)
    environment |= {
        variable: value,
        "DOCKCRED_LOG": "debug",
        "DOCKCRED_ROAD": road,
        "DOCKCRED_TIMEOUT": "4",
    }
    done = subprocess.run(
        [helper_bin / f"docker-credential-{helper}", "get"],
        env=environment,
        input=(host or environment["DOCKCRED_OIDC_HOSTS"].split(",")[0]).encode(),
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert WORD not in said
    assert said.strip(), "something is told"


def test_the_host_is(cloud: Sandbox, helper_bin: Path) -> None:
    """Without this test, an empty log would pass the test above."""
    done = subprocess.run(
        [helper_bin / "docker-credential-ecr-login", "get"],
        env=cloud.environment("container-relative") | {"DOCKCRED_LOG": "debug"},
        input=HOST.encode(),
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    assert re.search(
        rb"^dockcred debug: GET 127\.0\.0\.1:\d+$", done.stderr, re.MULTILINE
    )
