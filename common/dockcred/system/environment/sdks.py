"""An os.environ that records what an SDK reads, and the names that SDKs read.

The lists have the names that SDKs and other programs read beyond our own lists, and
that a launcher can compare.

The lists do not decide about identities: while an identity is asked, each name that is
read is recorded (cache.record). If a name that was read is not listed here, no launcher
answers from that cache entry, but Python. An SDK of another version may read other
names: then Python answers from its entries, until the names are added here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Noting(type(os.environ)):  # type: ignore[misc]
    """The process's variables; records each name that is read, but no read of all.

    All are read to start a child program, and child_program chooses what it gets.
    """

    asked: set[str] = set()  # noqa: RUF012 - one process, one set
    _taken = 0

    def __getitem__(self, name: str) -> str:
        """Return a variable's value; raise KeyError where it is not set."""
        if not self._taken:
            self.asked.add(name)
        value: str = super().__getitem__(name)
        return value

    def copy(self) -> dict[str, str]:
        """Return all variables."""
        return dict(self.items())

    def __iter__(self) -> Iterator[str]:
        """Yield the names; values that are read meanwhile are not recorded."""
        self._taken += 1
        try:
            yield from super().__iter__()
        finally:
            self._taken -= 1


PROGRAMS = (
    "PATH",
    *("USER", "LOGNAME", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SystemDrive"),
    *("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
    *("DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME"),
    *("NODE_EXTRA_CA_CERTS", "DOCKCRED_CHILD_VARIABLES"),
)
"""Names that are read to find or start a program."""

SDKS = (
    *("CURL_CA_BUNDLE", "SSLKEYLOGFILE", "NETRC", "TZ", "REQUEST_METHOD"),
    "SPHINX_BUILD",
    # botocore
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
    *("AWS_AUTH_SCHEME_PREFERENCE", "AWS_CSM_ENABLED", "AWS_DEFAULTS_MODE"),
    *("AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_DISABLE_REQUEST_COMPRESSION"),
    *("AWS_ENDPOINT_DISCOVERY_ENABLED", "AWS_EXECUTION_ENV"),
    "AWS_LAMBDA_FUNCTION_NAME",
    *("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_METADATA_SERVICE_TIMEOUT"),
    *("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"),
    *("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "AWS_SDK_UA_APP_ID"),
    *("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "AWS_S3_USE_ARN_REGION"),
    *("AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", "AWS_SIGV4A_SIGNING_REGION_SET"),
    *("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "_X_AMZN_TRACE_ID"),
    *("BOTOCORE_TCP_KEEPALIVE", "BOTO_DISABLE_CRT"),
    *("BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER", "AWS_CREDENTIAL_EXPIRATION"),
    *("BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE",),
    # azure-identity and msal
    *("AZURE_EXTENSION_DIR", "AZURE_HTTP_USER_AGENT", "AZURE_LOG_LEVEL"),
    *("AZURE_SDK_TRACING_IMPLEMENTATION", "AZURE_TRACING_ENABLED"),
    *("AZURE_SDK_LOGGING_MULTIRECORD", "AZURE_SDK_CLOUD_CONF"),
    *("AZURE_KUBERNETES_TOKEN_PROXY", "PSMODULEPATH", "PSModulePath"),
    # google-auth
    *("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT"),
    *("GCE_METADATA_TIMEOUT", "GCE_METADATA_DETECT_RETRIES"),
)

SECRETS = (
    *("AWS_BEARER_TOKEN_ECR", "AWS_BEARER_TOKEN_ECR_PUBLIC", "AWS_BEARER_TOKEN_STS"),
    *("AWS_BEARER_TOKEN_AWSSSOPORTAL", "AWS_BEARER_TOKEN_SSO_OAUTH"),
)
"""A launcher compares only that none of these is set; else Python answers."""

NAMES = PROGRAMS + SDKS
