"""Our reader of config.yml is compared with a YAML library, by glab's docker helper.

gitlab.com/gitlab-org/cli (internal/config, internal/commands/auth/docker) reads the file
with a YAML library. It takes the first GitLab below `hosts`, gitlab.com before others,
whose container_registry_domains have the registry, and its token. If we cannot read a
file, we ask glab. So the test compares the GitLab and token that we read ourselves, and
finds missed logins.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from support.differential import meant

from dockcred.credential import ServerURL
from dockcred.providers.gitlab import glab

yaml = pytest.importorskip("yaml")

HOSTS = ("gitlab.com", "gitlab.example.com", "gitlab.example.com:3443", '"gitlab.com"')
DOMAINS = (
    "gitlab.com,gitlab.com:443,registry.gitlab.com",
    "registry.example.com",
    "registry.example.com:5050, registry.gitlab.com",
    '"registry.example.com:443"',
    "registry.example.com:",
    "",
)
ODD_DOMAINS = (
    "[registry.example.com]",
    "{a: b}",
    "|",
    "registry.example.com # x",
    "'x",
)
KEYS = (
    "token",
    "user",
    "api_protocol",
    "use_keyring",
    "is_oauth2",
    "oauth2_expiry_date",
)
VALUES = (
    "glpat-x",
    '"true"',
    "me",
    "https",
    "",
    "2026-11-29T18:54:03Z",
    "!!null glpat-x",
)
ODD_VALUES = (
    *("glpat-x # mine", "~", "'it''s'", '"a\\x5fb"', "*a", "&a b", "!!str x", "a: b"),
    *("- x", "#x", "@x", "`x`", "%x", "29 Nov 26 18:54 UTC", "a:b", "a,b", ",a", ":a"),
    *("!!null", "!!nullx", "?x", "x?", "!x", "|", ">-", "[a]", "  x  ", "x:"),
)
HEADS = ("", "# What protocol\ngit_protocol: ssh\n", "host: gitlab.com\n")
ODD_HEADS = ("---\n", "\ufeff", "a: {b: c}\n", "custom:\n  - a\n", "editor: vim -f\n")
ENDS = ("\n", "\n", "\n", "\r\n", "\n\n", " \n", "\n# a comment\n")
ASKED = (
    *("registry.gitlab.com", "gitlab.com", "gitlab.com:443", "registry.example.com"),
    *("registry.example.com:443", "registry.example.com:5050", "example.com"),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A config.yml, as glab writes it or as a person may have edited it."""

    def one(usual: tuple[str, ...], odd: tuple[str, ...]) -> str:
        """Draw a usual text in nineteen of twenty cases, else an odd one."""
        return draw(st.sampled_from(usual if draw(st.integers(0, 19)) else odd))

    text = one(HEADS, ODD_HEADS) + "hosts:" + one(("\n",), ENDS)
    names = draw(st.lists(st.sampled_from(HOSTS), max_size=3, unique=True))
    for name in names:
        text += f"    {name}:" + one(("\n",), ENDS)
        keys = draw(st.lists(st.sampled_from(KEYS), max_size=4, unique=True))
        for key in keys:
            indent = one(("        ",), ("    ", "      ", "\t"))
            text += f"{indent}{key}: {one(VALUES, ODD_VALUES)}" + one(("\n",), ENDS)
        domains = one(DOMAINS, ODD_DOMAINS)
        text += f"        container_registry_domains: {domains}" + one(("\n",), ENDS)
    return text


def entry(node: object, key: str) -> object:
    """Return the first node of a key, like glab's ConfigMap.FindEntry."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def their_hosts(text: str) -> list[tuple[str, list[str], str]]:
    """Return glab's GitLabs in its order: host, registry domains and token of each."""
    try:
        root = yaml.compose(text, yaml.BaseLoader)
    except yaml.YAMLError:
        return []
    hosts = entry(root, "hosts")
    found = []
    for name, own in hosts.value if isinstance(hosts, yaml.MappingNode) else ():
        domains, token = entry(own, "container_registry_domains"), entry(own, "token")
        listed = domains.value if isinstance(domains, yaml.ScalarNode) else ""
        shown = token.value if isinstance(token, yaml.ScalarNode) else ""
        found.append((name.value, [each.strip() for each in listed.split(",")], shown))
    return sorted(found, key=lambda each: each[0] != "gitlab.com")


def their_answer(
    hosts: list[tuple[str, list[str], str]], asked: str
) -> tuple[str, str] | None:
    """Return the GitLab and the token that glab has for a registry."""
    found = ((name, token) for name, domains, token in hosts if asked in domains)
    return next(found, None)


def compare(text: str) -> str | None:
    hosts, ours = their_hosts(text), glab.GlabFile("config.yml", text)
    differs = None
    for asked in ASKED:
        server = ServerURL.parse(asked)
        theirs = their_answer(hosts, asked)
        if ours.text:
            # If there is a login, glab is asked: no login is missed.
            assert theirs is None or ours.names(server.host), (asked, theirs)
            differs = "left to glab"
            continue
        instance = ours.registries().get(server.place)
        token = (ours.of(instance) or {}).get("token", "") if instance else ""
        answer = (instance, token) if instance else None
        if answer == theirs:
            continue
        other = asked.removesuffix(":443") if ":443" in asked else f"{asked}:443"
        # We treat a host with and without :443 alike; glab finds one form only.
        assert answer == their_answer(hosts, other), (asked, theirs, answer)
        differs = meant("glab-port-of-https")
    return differs


def test_a_login_is_read_as_yaml_has_it_or_glab_is_asked(side_by_side):
    side_by_side(compare, files(), share=0.5, shows=lambda ends: ends["alike"])
