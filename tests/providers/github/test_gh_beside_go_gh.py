"""Our reader of hosts.yml is compared with a YAML library, used by go-gh's rule.

go-gh (pkg/config, pkg/auth) reads the file with a YAML library, and takes the value of
hosts, the host's name, oauth_token. If we cannot read a file, we ask gh, which is never
wrong. So the test compares the tokens that we read ourselves, and finds missed logins.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st

from dockcred.providers.github import gh
from dockcred.system.environment import Environment

yaml = pytest.importorskip("yaml")

HOSTS = ("github.com", "ghe.example.com", '"github.com"', "'github.com'", "GitHub.com")
KEYS = ("oauth_token", "user", "git_protocol", "users", '"oauth_token"', "editor")
VALUES = (
    *("gho_x", '"gho_x"', "'gho_x'", "gho_x # mine", "", '""', "''", "~", "null"),
    *("gho_x ", " gho_x", '"gho\\x5fx"', "'gho''x'", "*a", "&a gho_x", "!!str gho_x"),
    *("{a: b}", "[a]", "|", ">-", "yes", "12", "0x10", "-", "- x", "a: b", "a:b", "#x"),
    *("vim -f", "gho_x\\", "@x", "`x`", "%x", "x'y", '"x', "monalisa", "https"),
)
ENDS = ("\n", "\n", "\n", "\r\n", "\n\n", " \n", "\n# a comment\n")
INDENTS = ("    ", "    ", "    ", "  ", "", "\t", "        ")


PLAIN = ("gho_x", "monalisa", "https", "", '"gho_x"', "vim -f", "12")
HEADS = ("# gh\n", "---\n", "\ufeff", "%YAML 1.1\n---\n")
COLONS = (" :", ": {}", ": &a", ": # c")


@st.composite
def files(draw: st.DrawFn) -> str:
    """A hosts.yml, as gh writes it or as a person may have edited it."""

    def one(usual: tuple[str, ...], odd: tuple[str, ...]) -> str:
        """Draw a usual text in nine of ten cases, else an odd one."""
        return draw(st.sampled_from(usual if draw(st.integers(0, 9)) else odd))

    text = one(("",), HEADS)
    for _ in range(draw(st.integers(0, 2))):
        text += one(("github.com", "ghe.example.com"), HOSTS)
        text += one((":",), COLONS) + one(("\n",), ENDS)
        indent = one(("    ",), INDENTS)
        unique = bool(draw(st.integers(0, 9)))
        for key in draw(st.lists(st.sampled_from(KEYS), max_size=4, unique=unique)):
            own = one((indent,), INDENTS)
            value = one(PLAIN, VALUES)
            text += f"{own}{key}: {value}" + one(("\n",), ENDS)
            if key == "users" and not value:
                text += f"{own}    monalisa:\n{own}        oauth_token: gho_inner\n"
    return text


class Strings(yaml.BaseLoader):
    """A loader that keeps values as strings, and a repeated key's first, as go-gh."""

    def construct_mapping(self, node, deep=False):
        found = {}
        for key, value in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.YAMLError("a name is none")
            found.setdefault(name, self.construct_object(value, deep=True))
        return found


def their_login(text: str) -> tuple[bool, str]:
    """Return whether YAML has the host, and the host's token."""
    try:
        found = yaml.load(text, Strings)
    except yaml.YAMLError:
        return False, ""
    host = found.get("github.com") if isinstance(found, dict) else None
    token = host.get("oauth_token") if isinstance(host, dict) else None
    return host is not None, token if isinstance(token, str) else ""


def test_a_token_is_read_as_yaml_has_it_or_gh_is_asked(side_by_side, monkeypatch):
    monkeypatch.setattr(gh, "_from_gh", lambda *_: "from gh")

    def compare(text: str) -> str | None:
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "hosts.yml").write_text(text, newline="")
            ours = gh.login("github.com", Environment({"GH_CONFIG_DIR": directory}))
        is_there, token = their_login(text)
        if ours is None:
            assert not is_there, f"a login is missed: {text!r}"
            return None
        if ours.token == "from gh":
            return "left to gh"
        assert ours.token == token, f"{text!r}: {ours.token!r}, YAML has {token!r}"
        return None

    side_by_side(compare, files())
