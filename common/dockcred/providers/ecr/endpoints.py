"""Where AWS's APIs are, and the keys with which requests to them are signed."""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.ecr.hosts import EcrRegistry
    from dockcred.system.environment import Environment


class Keys:
    """An access key id with its secret, and a token where they are temporary.

    `expires_at` is in seconds since the epoch, None for keys without an end; `said`
    is what the source told of whose they are.
    """

    __slots__ = ("access_key_id", "expires_at", "principal", "secret", "session_token")

    def __init__(
        self,
        access_key_id: str,
        secret: str,
        session_token: str = "",
        *,
        expires_at: float | None = None,
        said: str = "",
    ) -> None:
        self.access_key_id = access_key_id
        self.secret = secret
        self.session_token = session_token
        self.expires_at = expires_at
        self.principal = said

    def __repr__(self) -> str:
        """Show the public half."""
        return f"Keys({self.access_key_id!r}, secret=…)"


CA_VARIABLES = ("AWS_CA_BUNDLE",)
_GOV = "us-gov-"


def ecr(registry: EcrRegistry, environment: Environment) -> str:
    """Return the URL of the ECR API for a registry."""
    service = "ECR_PUBLIC" if registry.is_public else "ECR"
    if named := _named(service, environment):
        return named
    fips, dual_stack = kinds(registry, environment)
    if registry.is_public:
        name = "ecr-public" if dual_stack else "api.ecr-public"
    else:
        name = "ecr-fips" if fips else "ecr"
        name = name if dual_stack else f"api.{name}"
    return _url(name, registry, dual_stack=dual_stack)


def sts(registry: EcrRegistry, environment: Environment) -> str:
    """Return the URL of the STS API in the registry's region."""
    if named := _named("STS", environment):
        return named
    fips, dual_stack = kinds(registry, environment)
    # In GovCloud the plain endpoint is the FIPS one.
    plain = not fips or (registry.region.startswith(_GOV) and not dual_stack)
    return _url("sts" if plain else "sts-fips", registry, dual_stack=dual_stack)


def kinds(registry: EcrRegistry, environment: Environment) -> tuple[bool, bool]:
    """Return if FIPS and dual-stack are called for, by the host or the variables."""
    fips = registry.fips or environment.is_on("AWS_USE_FIPS_ENDPOINT")
    dual_stack = registry.dual_stack or environment.is_on("AWS_USE_DUALSTACK_ENDPOINT")
    return fips and not registry.is_public, dual_stack


def is_named(registry: EcrRegistry, environment: Environment) -> bool:
    """Return whether a variable names the ECR endpoint."""
    return bool(_named("ECR_PUBLIC" if registry.is_public else "ECR", environment))


def _named(service: str, environment: Environment) -> str:
    if environment.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        return ""
    named = environment.first(f"AWS_ENDPOINT_URL_{service}", "AWS_ENDPOINT_URL")
    if named and "://" not in named:
        raise InvalidInputError(
            f"the endpoint for {service} that a variable names is not a URL",
            "write AWS_ENDPOINT_URL… as https://host",
        )
    return named


def _url(name: str, registry: EcrRegistry, *, dual_stack: bool) -> str:
    suffix = registry.dual_stack_suffix if dual_stack else registry.dns_suffix
    return f"https://{name}.{registry.region}.{suffix}"
