"""hosts.yml beside a reader of YAML, by go-gh's rule: the token below its host.

go-gh (pkg/config, pkg/auth) reads the file with a YAML library, and takes the value of
hosts, the host's name, oauth_token. What we do not read, gh is asked for: that is never
wrong, so what is compared is a token that we read ourselves, and a login that we miss.
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
    """A hosts.yml, as gh writes it and as somebody may have edited it."""

    def one(usual: tuple[str, ...], odd: tuple[str, ...]) -> str:
        """Draw what is usual, nine times of ten."""
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
    """Values as they stand; of a name that is there twice the first, as in go-gh."""

    def construct_mapping(self, node, deep=False):
        found = {}
        for key, value in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.YAMLError("a name is none")
            found.setdefault(name, self.construct_object(value, deep=True))
        return found


def their_login(text: str) -> tuple[bool, str]:
    """Return whether the host is there, and its token, as a reader of YAML has them."""
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
