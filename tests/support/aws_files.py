"""Generate ~/.aws/config, ~/.aws/credentials and AWS variables as people write them.

Most lines are plain. Some are indented, quoted, continued, doubled, cut off or
misspelt, as heredocs, templates, editors and other tools leave them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

NAMES = ("default", "dev", "base", "ro")
ROLE = "arn:aws:iam::111122223333:role/{}"
TOKEN = "the-web-identity-token"


@dataclass(frozen=True)
class Home:
    """The texts of the two files (None if one is absent), and the AWS variables."""

    config: str | None = None
    credentials: str | None = None
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, home: Path) -> dict[str, str]:
        """Write the files into a home directory; return the variables with HOME."""
        (home / ".aws").mkdir(exist_ok=True)
        for name in ("config", "credentials"):
            path, text = home / ".aws" / name, getattr(self, name)
            path.unlink(missing_ok=True)
            if text is not None:
                text = text.replace("~home", str(home))
                path.write_bytes(text.encode("utf-8"))
        (home / "token").write_text(TOKEN, encoding="ascii")
        return {
            "HOME": str(home),
            **{n: v.replace("~home", str(home)) for n, v in self.variables.items()},
        }


def _mostly(usual: str, *odd: str) -> st.SearchStrategy[str]:
    return st.sampled_from([usual] * (3 * len(odd)) + list(odd))


def _headers(name: str, *, is_config: bool) -> st.SearchStrategy[str]:
    plain = f"profile {name}" if is_config and name != "default" else name
    return _mostly(
        f"[{plain}]",
        f"[ {plain} ]",
        f"[{plain}] # mine",
        f"[{plain}",
        f"    [{plain}]",
        f"[{name}]",
        f"[profile {name}]",
        f"[profile  {name}]",
        f"[profile\t{name}]",
        f'[profile "{name}"]',
        f"[Profile {name}]",
        f"[profilex {name}]",
        f"[profile {name} more]",
        "[DEFAULT]",
    )


def _lines(name: str, value: str) -> st.SearchStrategy[str]:
    return _mostly(
        f"{name} = {value}",
        f"{name}={value}",
        f"{name}: {value}",
        f"    {name} = {value}",
        f"\t{name} = {value}",
        f"{name.upper()} = {value}",
        f"{name} = {value} # a note",
        f"{name} = {value}  ",
        f"{name} =\n    {value}",
        f"{name} = {value}\n    and more",
        f'{name} = "{value}"',
        f"{name} =",
        name,
        f"{name}\u00a0= {value}",
    )


_FILLERS = st.sampled_from(
    [
        "",
        "# a comment",
        "; a comment",
        "    # an indented comment",
        "    ",
        "s3 =\n    addressing_style = path\n\n    # below\n    max_queue_size = 10",
        "s3 =\n    no delimiter",
        "stray words",
    ]
)


def _identities(name: str) -> st.SearchStrategy[dict[str, str]]:
    keys = {"aws_access_key_id": f"AKIA{name.upper()}", "aws_secret_access_key": "s"}
    role = {"role_arn": ROLE.format(name)}
    others = st.sampled_from(NAMES)
    return st.one_of(
        st.just({}),
        st.just({}),
        st.just(keys),
        st.just(keys | {"aws_session_token": "session"}),
        st.just({"aws_access_key_id": f"AKIA{name.upper()}"}),
        st.just({"aws_secret_access_key": "s"}),
        st.just({"credential_process": f"/bin/keys --for {name}"}),
        st.just(keys | {"credential_process": f"/bin/keys --for {name}"}),
        others.map(lambda other: role | {"source_profile": other}),
        others.map(lambda other: role | {"source_profile": other} | keys),
        st.just(role),
        st.sampled_from(
            ["Environment", "Ec2InstanceMetadata", "EcsContainer", "environment"]
        ).map(lambda source: role | {"credential_source": source}),
        st.just(role | {"web_identity_token_file": "~home/token"}),
        st.just({"web_identity_token_file": "~home/token"}),
        st.just(
            {
                "sso_account_id": "111122223333",
                "sso_role_name": "reader",
                "sso_region": "eu-west-1",
                "sso_start_url": "https://example.awsapps.com/start",
            }
        ),
        st.just({"sso_session": "corp"}),
        st.just({"login_session": "arn:aws:iam::111122223333:user/x"}),
    )


_SETTINGS = st.dictionaries(
    st.sampled_from(
        [
            "region",
            "output",
            "cli_pager",
            "retry_mode",
            "max_attempts",
            "use_fips_endpoint",
            "use_dualstack_endpoint",
            "endpoint_url",
            "services",
            "ignore_configured_endpoint_urls",
            "ec2_metadata_service_endpoint",
            "ec2_metadata_service_endpoint_mode",
            "external_id",
            "role_session_name",
        ]
    ),
    st.just(""),
    max_size=2,
).flatmap(lambda names: st.fixed_dictionaries({n: _values(n) for n in names}))


def _values(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        {
            "region": ["eu-central-1", "us-gov-west-1"],
            "retry_mode": ["legacy", "standard", "adaptive", "Standard", "some-thing"],
            "max_attempts": ["1", "01", "1", "0", "-1", "x", ""],
            "use_fips_endpoint": ["true", "True", "false", "1"],
            "use_dualstack_endpoint": ["true", "false"],
            "endpoint_url": ["https://every.test.example"],
            "services": ["lab", "nowhere"],
            "ignore_configured_endpoint_urls": ["true", "false"],
            "ec2_metadata_service_endpoint": ["http://127.0.0.1:9"],
            "ec2_metadata_service_endpoint_mode": ["IPv6", "ipv4", "ipv5"],
        }.get(name, ["some-thing"])
    )


@st.composite
def _sections(draw, *, is_config: bool) -> str:
    name = draw(st.sampled_from(NAMES))
    lines = [draw(_headers(name, is_config=is_config))]
    settings = draw(_identities(name))
    if is_config:
        settings = settings | draw(_SETTINGS)
    for key, value in draw(st.permutations(list(settings.items()))):
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(_FILLERS))
        lines.append(draw(_lines(key, value)))
    if draw(st.integers(0, 5)) == 0:
        lines.append(draw(_FILLERS))
    return "\n".join(lines)


_LAB = "[services lab]\necr =\n    endpoint_url = https://ecr.test.example"
_TEXTS = (
    lambda text: text,
    lambda text: text + "\n",
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", "\n    "),
    lambda text: "    " + text.replace("\n", "\n    "),
    lambda text: "\ufeff" + text,
    lambda text: "\n" + text,
    lambda text: text + "\n[sso-session corp]\nsso_region = eu-west-1\n",
)


@st.composite
def texts(draw, *, is_config: bool) -> str | None:
    """Generate the text of a file, or None if the file is absent."""
    sections = draw(st.lists(_sections(is_config=is_config), max_size=4))
    if not sections and draw(st.booleans()):
        return None
    if is_config and draw(st.booleans()):
        sections.append(_LAB)
    write = draw(st.sampled_from([_TEXTS[1]] * 12 + list(_TEXTS)))
    return write("\n".join(sections))


_VARIABLES = (
    {},
    {},
    {"AWS_PROFILE": "dev"},
    {"AWS_PROFILE": "dev"},
    {"AWS_PROFILE": "ro"},
    {"AWS_PROFILE": "nobody"},
    {"AWS_PROFILE": ""},
    {"AWS_DEFAULT_PROFILE": "base"},
    {"AWS_PROFILE": "dev", "AWS_DEFAULT_PROFILE": "base"},
    {"DOCKCRED_AWS_PROFILE": "dev"},
    {"DOCKCRED_AWS_PROFILE": "ro"},
    {"DOCKCRED_AWS_PROFILE": "nobody"},
)
_KEYS = (
    {},
    {},
    {},
    {"AWS_ACCESS_KEY_ID": "AKIAVARIABLE", "AWS_SECRET_ACCESS_KEY": "s"},
    {"AWS_ACCESS_KEY_ID": "AKIAVARIABLE", "AWS_SECRET_ACCESS_KEY": ""},
    {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "s"},
    {
        "AWS_ACCESS_KEY_ID": "ASIAVARIABLE",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "one",
    },
    {
        "AWS_ACCESS_KEY_ID": "ASIAVARIABLE",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "one",
        "AWS_SECURITY_TOKEN": "other",
    },
)
_WEB_IDENTITIES = (
    {},
    {},
    {},
    {
        "AWS_WEB_IDENTITY_TOKEN_FILE": "~home/token",
        "AWS_ROLE_ARN": ROLE.format("web"),
        "AWS_ROLE_SESSION_NAME": "mine",
    },
    {"AWS_WEB_IDENTITY_TOKEN_FILE": "~home/token"},
    {"AWS_ROLE_ARN": ROLE.format("web")},
)
_MACHINES = (
    {},
    {},
    {"AWS_EC2_METADATA_DISABLED": "true"},
    {"AWS_EC2_METADATA_DISABLED": "1"},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv4", "AWS_IMDS_USE_IPV6": "true"},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"},
    {"AWS_IMDS_USE_IPV6": "true"},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:8"},
    {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"},
    {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "~home/token",
    },
    {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:7/keys",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "shared",
    },
    {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/keys"},
)
_ENDPOINTS = (
    *({},) * 6,
    {"AWS_USE_FIPS_ENDPOINT": "true"},
    {"AWS_USE_FIPS_ENDPOINT": "TRUE"},
    {"AWS_USE_FIPS_ENDPOINT": "1"},
    {"AWS_USE_FIPS_ENDPOINT": "false"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_ENDPOINT_URL": "https://all.test.example"},
    {"AWS_ENDPOINT_URL_ECR": "https://one.test.example"},
    {"AWS_ENDPOINT_URL_STS": "https://sts.test.example"},
    {
        "AWS_ENDPOINT_URL": "https://all.test.example",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    },
)


_RETRIES = (
    *({},) * 8,
    {"AWS_RETRY_MODE": "standard"},
    {"AWS_RETRY_MODE": "STANDARD"},
    {"AWS_MAX_ATTEMPTS": "1"},
    {"AWS_MAX_ATTEMPTS": "0"},
    {"AWS_MAX_ATTEMPTS": "one"},
)


@st.composite
def homes(draw) -> Home:
    """Generate a Home."""
    variables: dict[str, str] = {}
    parts = _VARIABLES, _KEYS, _WEB_IDENTITIES, _MACHINES, _ENDPOINTS, _RETRIES
    for part in parts:
        variables |= draw(st.sampled_from(part))
    return Home(draw(texts(is_config=True)), draw(texts(is_config=False)), variables)
