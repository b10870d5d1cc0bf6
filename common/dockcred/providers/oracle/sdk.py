"""The SDK road: Oracle's SDK signs requests; and what its exceptions mean."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

from dockcred.errors import IssueError, MissingExtraError
from dockcred.system import process
from dockcred.system.environment import become

warnings.simplefilter("ignore")
try:
    import oci.config
    import oci.retry
    import oci.signer
    from oci._vendor import requests
    from oci.auth import signers
except ImportError:
    raise MissingExtraError(
        "this road to Oracle needs its SDK, oci, which is not installed",
        "run: pip install 'dockcred[oci]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from dockcred.providers.oracle.profiles import OciProfile
    from dockcred.system.environment import Environment

_ANY_REGION = "us-ashburn-1"
"""The SDK demands a region in a profile. It is not used: the registry's host decides
where a token is asked for."""


class SdkSigner:
    """A signer of requests, through one of the SDK's signers."""

    def __init__(self, environment: Environment, make: Callable[[], Any]) -> None:
        """Make the SDK's signer, which may ask for a session at once."""
        process.set_activity("asking Oracle through its SDK")
        become(environment)
        with _translated():
            self._signer = make()

    def headers(self, method: str, netloc: str, path: str) -> dict[str, str]:
        """Return the headers of a request, including its signature."""
        asked = requests.Request(method, f"https://{netloc}{path}").prepare()
        with _translated():
            signed = self._signer(asked)
        found = {name.lower(): str(value) for name, value in signed.headers.items()}
        return {n: v for n, v in found.items() if n not in {"host", "content-length"}}


def by_profile(profile: OciProfile, environment: Environment) -> SdkSigner:
    """Return a signer for the API key of a profile."""

    def make() -> Any:
        config = _config(profile)
        config = {"region": _ANY_REGION, "key_file": None} | config
        return oci.signer.Signer.from_config(config)

    return SdkSigner(environment, make)


def by_session(profile: OciProfile, token: str, environment: Environment) -> SdkSigner:
    """Return a signer for the key of a session, as Oracle's command line does it."""

    def make() -> Any:
        config = _config(profile)
        key = oci.signer.load_private_key_from_file(
            config["key_file"], config.get("pass_phrase")
        )
        return signers.SecurityTokenSigner(token, key)

    return SdkSigner(environment, make)


def _config(profile: OciProfile) -> dict[str, Any]:
    config: dict[str, Any] = dict(oci.config.DEFAULT_CONFIG)
    if profile.path:
        config = oci.config.from_file(profile.path, profile.name)
    return config | profile.fields


def by_instance(environment: Environment) -> SdkSigner:
    """Return a signer for this instance; its metadata service must exist."""
    endpoint = environment.get("OCI_CLI_FEDERATION_ENDPOINT")
    return SdkSigner(
        environment,
        lambda: signers.InstancePrincipalsSecurityTokenSigner(
            federation_endpoint=endpoint or None,
            retry_strategy=oci.retry.NoneRetryStrategy(),
            federation_client_retry_strategy=oci.retry.NoneRetryStrategy(),
        ),
    )


def by_pod(path: str, token: str, environment: Environment) -> SdkSigner:
    """Return a signer for a pod, by its token or the token's file."""
    return SdkSigner(
        environment,
        lambda: signers.get_oke_workload_identity_resource_principal_signer(
            service_account_token_path=path,
            service_account_token=token or None,
            retry_strategy=oci.retry.NoneRetryStrategy(),
        ),
    )


def by_resource(environment: Environment) -> SdkSigner:
    """Return a signer for the resource principal in the variables."""
    return SdkSigner(environment, signers.get_resource_principals_signer)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the SDK raises in the block into an IssueError with a remedy.

    The texts of its exceptions are not shown: they quote whole answers.
    """
    try:
        yield
    except oci.exceptions.ServiceError as error:
        raise IssueError(
            f"Oracle's token service answered {error.status}",
            "see the identity's policy, and set the clock (NTP)",
        ) from None
    except OSError as error:
        raise IssueError(
            f"Oracle's SDK could not reach what it needs ({type(error).__name__})",
            "see OCI_CLI_AUTH, and whether its files and endpoints are there",
        ) from None
    except (ValueError, TypeError, LookupError, RuntimeError, AttributeError) as error:
        raise IssueError(
            f"Oracle's SDK does not take this identity ({type(error).__name__})",
            "unset DOCKCRED_ROAD to be told why",
        ) from None
