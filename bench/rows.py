"""The rows: what is compared, and the highest ratio (ours ÷ theirs) of each.

A row whose program or identity does not exist yet says so in the table; when it does
exist, the row needs no change.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

ECR, ACR = "docker-credential-ecr-login", "docker-credential-acr-login"
GCR, KEYRING = "docker-credential-gcr", "docker-credential-keyring"
AUTO = "docker-credential-auto"
ECR_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ACR_HOST, GCR_HOST = "sandbox.azurecr.io", "europe-west1-docker.pkg.dev"
SILENCE = "silence"
"""The identity of rows without one, where packets to the metadata address vanish."""
ONE_CALL = {"ecr:GetAuthorizationToken": 1}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    With `cold`, both caches are emptied before each run; else they are filled once.
    `identity` is one of the sandbox, a store of `bench.keychains`, or SILENCE.
    `upstream` has the exact calls of one run of ours to the cloud. `peak` compares
    memory instead of time. `must` is the highest ratio allowed, `moonshot` a better
    goal. `entries` is the number of cache entries.
    """

    name: str
    ours: str
    theirs: str
    host: str
    identity: str
    must: float
    moonshot: float | None = None
    cold: bool = False
    api_ms: float = 0
    metadata_ms: float = 1
    at_once: int = 1
    rounds: int = 40
    peak: bool = False
    upstream: dict[str, int] = field(default_factory=dict)
    entries: int = 0


def _ecr(name: str, identity: str, must: float, moonshot: float, **more: object) -> Row:
    return Row(name, ECR, "ecr-login", ECR_HOST, identity, must, moonshot, **more)  # type: ignore[arg-type]


def rows_against(rows: tuple[Row, ...]) -> list[Row]:
    """Return rows that compare our programs with an earlier commit of ours."""
    return [
        replace(row, must=1.02, moonshot=None)
        for row in rows
        if row.theirs and " against " not in row.name
    ]


_COLD = {"cold": True, "rounds": 25}

ROWS = (
    _ecr("ECR cached, env keys", "env-keys", 0.7, 0.4),
    _ecr("ECR cached, instance profile", "instance-profile", 0.4, 0.2),
    _ecr("ECR second get, IRSA, 40 ms", "web-identity", 0.08, 0.05, api_ms=40),
    _ecr("ECR second get, assumed role, 40 ms", "assume-role", 0.08, 0.05, api_ms=40),
    _ecr("ECR cold, env keys, 0 ms", "env-keys", 1.4, 1.0, **_COLD, upstream=ONE_CALL),
    _ecr("ECR cold, env keys, 40 ms", "env-keys", 1.15, 0.95, **_COLD, api_ms=40),
    # `auto` has no front (sh part): each hit starts Python. The limits are a quarter
    # above the slowest of three runs on a busy machine (2.9 to 4.4, and 1.54 to 1.60).
    Row("auto cached, env keys", AUTO, "ecr-login", ECR_HOST, "env-keys", 5.5),
    Row("auto cold, env keys, 0 ms", AUTO, "ecr-login", ECR_HOST, "env-keys", 2.0,
        cold=True, rounds=25, upstream=ONE_CALL),
    _ecr(
        "ECR cold, instance profile, 40 ms",
        "instance-profile", 1.15, 0.95, **_COLD, api_ms=40,
    ),
    *(
        Row(f"ACR {what}, managed identity, 40 ms", ACR, "acr-env", ACR_HOST,
            "azure-imds", must, moonshot, cold=cold, api_ms=40, rounds=25)
        for what, must, moonshot, cold in (
            ("cold", 1.2, 0.95, True), ("second get", 0.1, 0.05, False),
        )
    ),
    *(
        Row(f"GCR {what}, metadata", GCR, "gcr", GCR_HOST,
            "google-metadata", must, moonshot, cold=cold, metadata_ms=0)
        for what, must, moonshot, cold in (
            ("first get", 2.0, 1.5, True), ("second get", 0.3, 0.15, False),
        )
    ),
    Row("secretservice get", KEYRING, "secretservice", "registry.example.com",
        "keychain:secretservice", 2.0, 1.0),
    Row("pass get", KEYRING, "pass", "registry.example.com",
        "keychain:pass", 0.6, 0.5, rounds=25),
    *(
        Row(f"{program} against {peer}, {what}", ours, peer, host, identity,
            must, moonshot, cold=cold, rounds=7)
        for program, ours, peer, host, identity in (
            ("ECR", ECR, "aws", ECR_HOST, "env-keys"),
            ("ACR", ACR, "az", ACR_HOST, "azure-imds"),
            ("GCR", GCR, "gcloud's helper", GCR_HOST, "google-metadata"),
        )
        for what, must, moonshot, cold in (
            ("cached", 0.02, 0.01, False), ("cold", 0.2, 0.1, True),
        )
    ),
    _ecr("50 cold gets at once", "env-keys", 0.6, 0.4,
         cold=True, at_once=50, rounds=7, upstream=ONE_CALL),
    _ecr("50 cached gets at once", "env-keys", 0.6, 0.3, at_once=50, rounds=15),
    _ecr("peak memory, cached", "env-keys", 1.0, 0.3, peak=True, rounds=10),
    _ecr("peak memory, cold", "env-keys", 1.0, 1.0, peak=True, cold=True, rounds=10),
    *(
        Row(f"SDK road, {identity}, cold", ECR, "bare boto3", ECR_HOST, identity,
            1.3, cold=True, rounds=9)
        for identity in ("sso", "profile", "assume-role")
    ),
    *(
        Row(f"{program} {what} without identity, silent metadata", ours, peer, host,
            SILENCE, must, cold=cold, rounds=4)
        for program, ours, peer, host, what, must, cold in (
            ("GCR", GCR, "gcr", "gcr.io", "first get", 0.1, True),
            ("GCR", GCR, "gcr", "gcr.io", "second get", 0.01, False),
            ("ECR", ECR, "ecr-login", ECR_HOST, "second get", 0.01, False),
            ("ACR", ACR, "acr-env", ACR_HOST, "second get", 0.01, False),
        )
    ),
    *(
        Row(f"10,000 entries against 10, {identity}", ECR, "", ECR_HOST, identity,
            1.1, entries=10_000)
        for identity in ("env-keys", "web-identity")
    ),
)  # fmt: skip
