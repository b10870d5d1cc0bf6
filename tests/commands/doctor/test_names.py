"""A host that is nearly a cloud's, and an identity of no use, are told with a remedy."""

from __future__ import annotations

import pytest

from dockcred.clients.findings import Finding, Severity
from dockcred.clients.reference import Reference, misspelt
from dockcred.commands.doctor import examination, helpers
from dockcred.commands.doctor.case import Case
from dockcred.system.environment import Environment

ACCOUNT = "123456789012"
SLIPS = {
    "acme.azurecr.oi": "write acme.azurecr.io",
    "acme.azurecr.com": "write acme.azurecr.io",
    "acme.azurcr.io": "write acme.azurecr.io",
    "acme.azurecr.com.cn": "write acme.azurecr.cn",
    "ghcr.com": "write ghcr.io",
    "ghrc.io": "write ghcr.io",
    "gcr.com": "write gcr.io",
    "europe-west1-docker.pgk.dev": "write europe-west1-docker.pkg.dev",
    "europe-west1.pkg.dev": "write europe-west1-docker.pkg.dev",
    "12345678901.dkr.ecr.eu-west-1.amazonaws.com": "write the account's twelve",
    f"{ACCOUNT}.dkr.ecr.eu-wset-1.amazonaws.com": "write eu-west-1",
    f"{ACCOUNT}.dkr.erc.eu-west-1.amazonaws.com": "write dkr.ecr",
    f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com": "write amazonaws.com.cn",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.cn": "write amazonaws.com",
    f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws-us-gov.com": "write amazonaws.com",
    f"{ACCOUNT}.dkr.ecr-fips.eu-west-1.amazonaws.com": "write dkr.ecr",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.amazonaws.com": "write on.aws",
}


@pytest.mark.parametrize("host", SLIPS)
def test_a_slip_is_told_with_what_is_meant(host: str) -> None:
    assert misspelt(host)[1] == SLIPS[host]


@pytest.mark.parametrize(
    "host",
    [
        *(
            "ghcr.io",
            "gcr.io",
            "eu.gcr.io",
            "icr.io",
            "us.icr.io",
            "quay.io",
            "lscr.io",
        ),
        *("docker.io", "iad.ocir.io", "acme.azurecr.io", "acme.azurewebsites.net"),
        *("europe-west1-docker.pkg.dev", "registry.gitlab.com", "public.ecr.aws"),
        *("r.example", "10.0.0.1", "127.0.0.1", "localhost", "mcr.microsoft.com"),
        f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.cn-northwest-1.amazonaws.com.cn",
        f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu",
        f"{ACCOUNT}.dkr-ecr.ap-southeast-7.on.aws",
        f"{ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
    ],
)
def test_a_host_that_is_somebodys_is_no_slip(host: str) -> None:
    assert misspelt(host) == ("", "")


@pytest.mark.parametrize("host", ["acme.azurecr.oi", "ghcr.com"])
def test_doctor_is_not_green_for_a_slip(tmp_path, host: str) -> None:
    found = list(
        examination.examine(
            Reference(f"{host}/team/app"),
            Environment({"HOME": str(tmp_path), "PATH": str(tmp_path)}),
            ("docker",),
        )
    )
    (told,) = (f for f in found if f.severity is Severity.ERROR)
    assert told.remedy == SLIPS[host]
    assert not any("DNS" in f.remedy for f in found)


def answered(tmp_path, host: str, **variables: str) -> list[Finding]:
    """Examine the answer of our helper, which has found nothing."""
    program = tmp_path / "docker-credential-auto"
    program.write_text(
        "#!/bin/sh\necho credentials not found in native keychain; exit 1\n"
    )
    program.chmod(0o755)
    home = {"HOME": str(tmp_path), "PATH": str(tmp_path), "DOCKCRED_CACHE": "off"}
    case = Case(Reference(host), Environment(home | variables))
    return list(helpers.check_answer(case, str(program), host))


def test_a_token_that_opens_nothing_is_told(tmp_path) -> None:
    (found,) = answered(tmp_path, "ghcr.io", GH_TOKEN="github_pat_x")
    assert found.severity is Severity.WARNING
    assert "GH_TOKEN is fine-grained" in found.text
    assert "read:packages" in found.remedy


def test_no_identity_at_all_is_told(tmp_path) -> None:
    (found,) = answered(tmp_path, "ghcr.io")
    assert found.severity is Severity.WARNING
    assert "gh auth login" in found.remedy
