"""URLs of AWS's APIs, the keys that sign requests to them, and the parser of ~/.aws."""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.providers.ecr import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.ecr.hosts import EcrRegistry
    from dockcred.system.environment import Environment


class Keys:
    """An access key id with its secret, and a session token if they are temporary.

    `expires_at` is in seconds since the epoch, None for keys that do not expire. `said`
    is what the source tells about the owner of the keys.
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
        """Show the access key id, but not the secret."""
        return f"Keys({self.access_key_id!r}, secret=…)"


def is_true(environment: Environment, name: str) -> bool:
    """Return whether an AWS switch is on: AWS's SDKs accept no word but "true"."""
    return environment.get(name).lower() == "true"


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
    """Return whether FIPS and dual-stack are wanted, by the host or by variables."""
    return (
        registry.fips or is_true(environment, "AWS_USE_FIPS_ENDPOINT"),
        registry.dual_stack or is_true(environment, "AWS_USE_DUALSTACK_ENDPOINT"),
    )


def _named(service: str, environment: Environment) -> str:
    if is_true(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
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


_HARMLESS = frozenset({"region", "output"})
_HARMLESS_STARTS = ("cli_", "s3", "tcp_keepalive")
_IDENTITY = frozenset(
    {
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_account_id",
        "role_arn",
        "role_session_name",
        "source_profile",
        "credential_source",
        "external_id",
        "mfa_serial",
        "duration_seconds",
        "web_identity_token_file",
        "credential_process",
        "login_session",
    }
)


_SESSION = frozenset({"sso_region", "sso_start_url"})


class ProfileSettings:
    """What the two files set for the selected profile, if our parser understands them.

    settings  the values by name; empty where a file has a line we do not understand
    identity  whether they choose whose keys are used
    other     whether they hold more than the direct road can follow: then the SDK is
              used
    """

    __slots__ = ("identity", "other", "settings")

    def __init__(self, environment: Environment, named: str = "") -> None:
        """Read both files for the named profile, or else for the one in the variables.

        A file that cannot be read raises nothing here: the SDK reports it.
        """
        wanted = named or hosts.profile(environment)
        config, credentials = map(sections, hosts.files(environment))
        self.settings: dict[str, str] = {}
        self.identity, self.other = False, True
        if config is None or credentials is None:
            return
        name = wanted or "default"
        headers = [f"profile {name}", *(["default"] if name == "default" else [])]
        found = [config[header] for header in headers if header in config]
        if len(found) > 1:
            return
        found += [credentials[name]] if name in credentials else []
        for section in found:
            self.settings |= section
        names = {n for n, value in self.settings.items() if not _is_harmless(n, value)}
        identity = {name for name in names if _is_identity(name)}
        self.identity = bool(identity)
        # Let the SDK report a profile that is asked for but missing, and an SSO session
        # that is missing or incomplete, even if keys come from elsewhere.
        session = self.settings.get("sso_session")
        is_broken = session is not None and not _SESSION.issubset(
            config.get(f"sso-session {session}", ())
        )
        self.other = bool(names - identity) or (bool(wanted) and not found) or is_broken


def _is_harmless(name: str, value: str) -> bool:
    if name in _RETRIES:
        return _RETRIES[name](value)
    return name in _HARMLESS or name.startswith(_HARMLESS_STARTS)


RETRY_MODES = ("legacy", "standard", "adaptive")


def _is_count(value: str) -> bool:
    return value.isdecimal() and value.isascii() and value.strip("0") != ""


_RETRIES = {"retry_mode": RETRY_MODES.__contains__, "max_attempts": _is_count}


def has_wrong_retries(environment: Environment) -> bool:
    """Return whether a variable for retries has a value that the SDK may refuse."""
    values = {name: environment.get(f"AWS_{name.upper()}") for name in _RETRIES}
    return any(value and not _RETRIES[name](value) for name, value in values.items())


def _is_identity(name: str) -> bool:
    return name in _IDENTITY or name.startswith("sso_")


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_NAME = frozenset(_LETTERS)
_HEADER = frozenset(f"{_LETTERS} .@+/")
_KINDS = frozenset({"profile", "sso-session", "services"})


def sections(path: str) -> dict[str, dict[str, str]] | None:
    """Return a file's sections by header; None where we do not understand a line.

    We understand headers, `name = value` without indent, comments, and indented blocks
    below a name without a value. All other lines are left to the SDK's own parser. To
    skip such a line could drop an identity without a warning.
    """
    if "$" in path or path.startswith("~"):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] | None = None
    name = ""
    for line in lines:
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if line[0].isspace():
            if not section or section.get(name) or "=" not in text:
                return None
        elif text[0] == "[":
            header = text[1:-1]
            if text[-1] != "]" or header in sections or not _is_plain(header):
                return None
            section = sections[header] = {}
        else:
            name, delimiter, value = text.partition("=")
            name = name.rstrip().lower()
            if section is None or name in section or not delimiter:
                return None
            if not name or not _NAME.issuperset(name):
                return None
            section[name] = value.strip()
    return sections


def _is_plain(header: str) -> bool:
    """Return whether a header is a single word, or a known kind and a name."""
    words = header.split(" ")
    known = len(words) == 1 or (len(words) == 2 and words[0] in _KINDS)  # noqa: PLR2004
    return known and all(words) and _HEADER.issuperset(header) and header != "DEFAULT"
