"""A misspelt host of a cloud, and a useless identity: the doctor names a remedy."""

from __future__ import annotations

import pytest

from dockcred.clients.findings import Finding, Severity
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import examination, helpers
from dockcred.commands.doctor.case import Case
from dockcred.identity import misspelt as misspelt_hosts
from dockcred.identity.misspelt import misspelt, unknown_region
from dockcred.system.environment import Environment

ACCOUNT = "123456789012"
WEST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
LOCATION = "LOCATION-docker.pkg.dev, such as europe-west1-docker.pkg.dev"
FRANKFURT = "ocir.eu-frankfurt-1.oci"
SLIPS = {
    "acme.azurecr.oi": "acme.azurecr.io",
    "acme.azurecr.com": "acme.azurecr.io",
    "acme.azurcr.io": "acme.azurecr.io",
    "acme.azurecr.com.cn": "acme.azurecr.cn",
    "acme.eastus.geo.azurecr.oi": "acme.eastus.geo.azurecr.io",
    "ghcr.com": "ghcr.io",
    "ghrc.io": "ghcr.io",
    "docker.pkg.github.co": "docker.pkg.github.com",
    "gcr.com": "gcr.io",
    "gcr.oi": "gcr.io",
    "eu.gcr.oi": "eu.gcr.io",
    "docker.oi": "docker.io",
    "index.docker.oi": "index.docker.io",
    "europe-west1-docker.pgk.dev": "europe-west1-docker.pkg.dev",
    "europe-west1-docker.pkg.de": "europe-west1-docker.pkg.dev",
    "europe-west1-dokcer.pkg.dev": "europe-west1-docker.pkg.dev",
    "europe-west1-npm.pkg.dev": "europe-west1-docker.pkg.dev",
    "europe-west1.pkg.dev": "europe-west1-docker.pkg.dev",
    "docker.europe-west1.rep.pkg.de": "docker.europe-west1.rep.pkg.dev",
    "docker.pkg.de": LOCATION,
    "docker.pkg.dev": LOCATION,
    "iad.ocir.oi": "iad.ocir.io",
    "iad.orci.io": "iad.ocir.io",
    "eu-frankfurt-1.ocir.com": "eu-frankfurt-1.ocir.io",
    "ocir.eu-frankfurt-1.oci.oraclecloud.co": f"{FRANKFURT}.oraclecloud.com",
    "ocir.eu-frankfurt-1.oraclecloud.com": f"{FRANKFURT}.oraclecloud.com",
    "ocri.eu-frankfurt-1.oci.oraclecloud8.com": f"{FRANKFURT}.oraclecloud8.com",
    "registry.cn-hangzhou.aliyuncs.co": "registry.cn-hangzhou.aliyuncs.com",
    "registry.cn-hangzhou.aliyun.com": "registry.cn-hangzhou.aliyuncs.com",
    "registry-vpc.cn-hangzhou.aliyunc.com": "registry-vpc.cn-hangzhou.aliyuncs.com",
    "registy.cn-hangzhou.aliyuncs.com": "registry.cn-hangzhou.aliyuncs.com",
    "acme-registry.cn-hangzhou.cr.aliyuncs.cn": "acme-registry.cn-hangzhou.cr.aliyuncs.com",
    "registry.gitlab.con": "registry.gitlab.com",
    "registry.gitlb.com": "registry.gitlab.com",
    "public.ecr.awz": "public.ecr.aws",
    "public.erc.aws": "public.ecr.aws",
    "pubic.ecr.aws": "public.ecr.aws",
    "ecr-public.aws.co": "ecr-public.aws.com",
    f"{ACCOUNT[1:]}.dkr.ecr.eu-west-1.amazonaws.com": "the account with its twelve digits",
    f"{ACCOUNT}3.dkr.ecr.eu-west-1.amazonaws.com": "the account with its twelve digits",
    f"{ACCOUNT}.dkr.ecr.eu-wset-1.amazonaws.com": WEST,
    f"{ACCOUNT}.dkr.ecr.euwest1.amazonaws.com": WEST,
    f"{ACCOUNT}.dkr.erc.eu-west-1.amazonaws.com": WEST,
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.cmo": WEST,
    f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com": f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.cn": WEST,
    f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws-us-gov.com": f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr.ecr-fips.eu-west-1.amazonaws.com": WEST,
    f"{ACCOUNT}.dkr-ecr.eu-west-1.amazonaws.com": f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws",
}


@pytest.mark.parametrize("host", SLIPS)
def test_a_slip_is_told_with_what_is_meant(host: str) -> None:
    assert misspelt(host)[1] == f"write {SLIPS[host]}"


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
        f"{FRANKFURT}.oraclecloud.com",
        f"{FRANKFURT}.oraclecloud8.com",
        *(
            "registry.cn-hangzhou.aliyuncs.com",
            "acme-registry.cn-hangzhou.cr.aliyuncs.com",
        ),
        *(
            "registry.oss-cn-hangzhou.aliyuncs.com",
            "registy.oss-cn-hangzhou.aliyuncs.com",
        ),
        *(
            "crpi-x1.cn-hangzhou.personal.cr.aliyuncs.com",
            "acme.tenant.gitlab-dedicated.com",
        ),
        f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.cn-northwest-1.amazonaws.com.cn",
        f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu",
        f"{ACCOUNT}.dkr-ecr.ap-southeast-7.on.aws",
        f"{ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
        f"{WEST}.mirror.example",
        f"{ACCOUNT[1:]}.dkr.ecr.eu-west-1.corp.example",
        *("gcr.corp.example", "docker.corp.example", "registry.hub.docker.com"),
    ],
)
def test_a_host_that_is_somebodys_is_no_slip(host: str) -> None:
    assert misspelt(host) == ("", "")


NONE = ("eu-west-9", "ap-northeast-7", "us-gov-north-1")


@pytest.mark.parametrize("region", NONE)
def test_a_region_is_told_by_botocores_own_list(region: str) -> None:
    session = pytest.importorskip("botocore.session")
    names = session.get_session().get_available_regions("ecr", "aws")
    cause, remedy = misspelt(f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com")
    assert cause.endswith(f"botocore knows no region {region}")
    assert region not in names
    near = remedy.removeprefix("write its region: ").split(", ")
    assert set(near) & set(names)


def test_every_region_of_botocores_is_one() -> None:
    session = pytest.importorskip("botocore.session").get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("ecr", partition):
            assert unknown_region(f"api.ecr.{region}.example") is None


def test_without_botocore_only_what_can_be_none_is_told(monkeypatch) -> None:
    monkeypatch.setattr(misspelt_hosts, "find_spec", lambda _: None)
    assert unknown_region("eu-west-9") is None
    assert unknown_region("eu-wset-1") == ("eu-wset-1 is no region", ("eu-west-1",))
    assert unknown_region("uk-west-1") == ("uk-west-1 is no region", ())


@pytest.mark.parametrize("host", ["acme.azurecr.oi", "ghcr.com"])
def test_doctor_is_not_green_for_a_slip(tmp_path, host: str) -> None:
    found = examination.examine(
        Reference(f"{host}/team/app"),
        Environment({"HOME": str(tmp_path), "PATH": str(tmp_path)}),
        ("docker",),
    ).findings
    (told,) = (f for f in found if f.severity is Severity.ERROR)
    assert told.remedy == f"write {SLIPS[host]}"
    assert not any("DNS" in f.remedy for f in found)


def answered(tmp_path, host: str, **variables: str) -> list[Finding]:
    """Return the findings for our helper's answer that it has no credential."""
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
    assert found.severity is Severity.ERROR
    assert "GH_TOKEN is fine-grained" in found.text
    assert "read:packages" in found.remedy


def test_no_identity_at_all_is_told(tmp_path) -> None:
    (found,) = answered(tmp_path, "ghcr.io")
    assert found.severity is Severity.WARNING
    assert "gh auth login" in found.remedy
