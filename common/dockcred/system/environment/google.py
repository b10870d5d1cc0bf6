"""Variables that choose a Google identity, or where its requests go."""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

UNIVERSE = "googleapis.com"
"""The universe of Google's own cloud; others have their APIs below another domain."""

UNIVERSE_VARIABLES = ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "CLOUDSDK_CORE_UNIVERSE_DOMAIN")
"""That of Google's libraries counts first, then that of gcloud."""

VARIABLES = (
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    "DOCKCRED_GOOGLE_USERNAME",
    "DOCKCRED_GOOGLE_HOSTS",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "GCE_METADATA_HOST",
    "GCE_METADATA_ROOT",
    "GCE_METADATA_IP",
    "GCE_METADATA_MTLS_MODE",
    "GCE_METADATA_TIMEOUT",
    "NO_GCE_CHECK",
    "CLOUDSDK_CONFIG",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_CORE_ACCOUNT",
    "CLOUDSDK_CORE_UNIVERSE_DOMAIN",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_AUTH_TOKEN_HOST",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS",
    "CLOUDSDK_PROXY_TYPE",
    "CLOUDSDK_PROXY_ADDRESS",
    "CLOUDSDK_PROXY_PORT",
    # An external account of the kind "aws" signs its request with these.
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)

SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "CLOUDSDK_PROXY_USERNAME",
    "CLOUDSDK_PROXY_PASSWORD",
)

MEANINGS = {
    "DOCKCRED_GOOGLE_HOSTS": "further hosts, by patterns separated by commas",
    "DOCKCRED_GOOGLE_USERNAME": "the user name; oauth2accesstoken without it",
}
"""What our own variables mean, for the manual and the documentation."""

_OWN_REGISTRIES = frozenset({"gcr.io", "pkg.dev"})


def universe(environment: Environment) -> str:
    """Return the universe that variables name, "" if they name none.

    Raises InvalidInputError if it is no domain, because a token would be sent there.
    """
    named = environment.first(*UNIVERSE_VARIABLES).lower()
    labels = named.split(".")
    plain = all(each.replace("-", "").isalnum() for each in labels)
    if named and not (named.isascii() and plain and labels[1:]):
        raise InvalidInputError(
            "GOOGLE_CLOUD_UNIVERSE_DOMAIN or CLOUDSDK_CORE_UNIVERSE_DOMAIN names "
            f"{named!a:.80}, which is no domain",
            "fix it, or unset it for Google's own cloud",
        )
    return named


def universe_of(host: str, environment: Environment) -> str:
    """Return the universe of a registry, "" if it is not known.

    A host that is not Google's own is only served if variables name it or its
    universe.
    """
    if ".".join(host.split(".")[-2:]) in _OWN_REGISTRIES:
        return UNIVERSE
    return universe(environment)
