"""Unsafe mistakes in the settings: each is refused with one line."""

from __future__ import annotations

import pytest

from dockcred.commands.token_service.settings import Issuer
from dockcred.commands.token_service.settings_file import allow, parse
from dockcred.errors import InvalidInputError

GITHUB = """
[issuers.github]
url = "https://token.actions.githubusercontent.com"
audience = "registry.example.com"
"""
GOOD_RULE = """
[[rules]]
issuer = "github"
claims = { repository_id = "17", event_name = "push" }
repositories = ["team/app"]
actions = ["pull", "push"]
"""


def settings(text: str):
    return parse(f'service = "registry.example.com"\n{text}', "/keys")


def refuses(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        settings(text)


def rule(claims: str, actions: str = '["pull"]', issuer: str = "github") -> str:
    return (
        f'[[rules]]\nissuer = "{issuer}"\nclaims = {claims}\n'
        f'repositories = ["team/app"]\nactions = {actions}\n'
    )


def test_the_settings_that_the_rows_change_are_good():
    found = settings(GITHUB + GOOD_RULE)
    assert not list(found.warnings())
    assert found.keys == "/keys"
    assert found.life_s == 300


def test_issuers_and_rules_may_be_none():
    assert settings("").rules == ()


URLS = [
    "http://token.example.com",
    "https://token.example.com?x",
    "https://token.example.com#x",
    "https://user@token.example.com",
    "https://token.example.com:port",
    "https://[::1",
    "file:///etc/passwd",
    "https:///",
    "https://tok\u0435n.example.com",
    "https://token.example.com/a b",
    "https://token.example.com\\\\@other.example.com",
    "http://127.0.0.1.example.com",
    "http://169.254.169.254",
    "http://10.0.0.1",
    "token.example.com",
    "",
]


@pytest.mark.parametrize("url", URLS)
def test_an_issuer_that_cannot_be_believed(url: str):
    refuses(f'[issuers.x]\nurl = "{url}"\naudience = "a"\n', "url")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_http_is_for_this_machine(host: str):
    text = f'[issuers.x]\nurl = "http://{host}:8080/realm"\naudience = "a"\n'
    assert settings(text).issuers[0].is_local


TABLES = {
    "no audience": ('[issuers.x]\nurl = "https://x.example"\n', "audience"),
    "empty audience": (
        '[issuers.x]\nurl = "https://x.example"\naudience = ""\n',
        "audience",
    ),
    "list of audiences": (
        '[issuers.x]\nurl = "https://x.example"\naudience = ["a"]\n',
        "audience",
    ),
    "HS256": (f'{GITHUB}algorithms = ["RS256", "HS256"]\n', "asymmetric"),
    "none": (f'{GITHUB}algorithms = "none"\n', "asymmetric"),
    "no algorithm": (f"{GITHUB}algorithms = []\n", "asymmetric"),
    "kind": (f'{GITHUB}kind = "githab"\n', "kind"),
    "typo in an issuer": (f'{GITHUB}audiance = "x"\n', "audiance"),
    "typo in a rule": (f'{GITHUB}{GOOD_RULE}claim = "x"\n', "claim"),
    "typo above": ('rule = "x"\n', "rule"),
    "one issuer twice": (
        f"{GITHUB}{GITHUB.replace('.github]', '.again]')}",
        "same url",
    ),
    "unlisted issuer": (GITHUB + rule('{ sub = "x" }', issuer="gitlab"), "gitlab"),
    "name with a quote": ("name = 'a\"b'\n", "HTTP"),
    "name with a line": ('name = "a\\nX: b"\n', "HTTP"),
    "name in letters": ('name = "\u00e4"\n', "HTTP"),
    "life": ("life = 3600\n", "life"),
    "short life": ("life = 1\n", "life"),
    "life in words": ('life = "5m"\n', "life"),
    "life of truth": ("life = true\n", "life"),
    "sign_for": ('sign_for = "libtrust"\n', "sign_for"),
    "no TOML": ("[[", "TOML"),
    "issuers in a list": ("[[issuers]]\n", "issuers"),
    "rules in a table": ("[rules]\n", "rules"),
    "action": (GITHUB + rule('{ repository_id = "17" }', '["read"]'), "action"),
    "every action": (GITHUB + rule('{ repository_id = "17" }', '["*"]'), "action"),
    "no action": (GITHUB + rule('{ repository_id = "17" }', "[]"), "allows nothing"),
    "for nobody": ('[[rules]]\nrepositories = "a"\nactions = "pull"\n', "for whom"),
    "for all and some": (
        f"{GITHUB}{GOOD_RULE}anonymous = true\n",
        "for whom",
    ),
    "strangers push": (
        '[[rules]]\nanonymous = true\nrepositories = "a"\nactions = "push"\n',
        "strangers",
    ),
    "strangers' claims": (
        '[[rules]]\nanonymous = true\nrepositories = "a"\nactions = "pull"\n[rules.claims]\nsub = "x"\n',
        "strangers",
    ),
    "no pattern": (GITHUB + rule('{ repository_id = "" }'), "pattern"),
    "no values": (GITHUB + rule("{ repository_id = [] }"), "no value"),
    "a number": (GITHUB + rule("{ repository_id = 17 }"), "repository_id"),
    "two **": (GITHUB + rule('{ repository_id = "17", ref = "**/a/**" }'), "\\*\\*"),
    "glued **": (GITHUB + rule('{ repository_id = "17", ref = "refs**" }'), "\\*\\*"),
}


@pytest.mark.parametrize("what", TABLES)
def test_a_mistake_is_told(what: str):
    refuses(*TABLES[what])


def test_an_issuer_without_an_audience_is_refused_however_it_is_made():
    with pytest.raises(InvalidInputError, match="audience"):
        Issuer("x", "https://x.example", "")


FOR_ALL = {
    "no claim": "{ }",
    "only the branch": '{ ref = "refs/heads/main" }',
    "any repository": '{ repository = "*/*" }',
    "any owner's": '{ repository = "*/app" }',
    "owners alike": '{ repository = "octo*/app" }',
    "owners with one letter more": '{ repository_owner = "octo?" }',
    "ids alike": '{ repository_id = "1*" }',
    "one of two": '{ repository_owner_id = ["9919", "*"] }',
    "any subject": '{ sub = "repo:*/*:ref:refs/heads/main" }',
    "subjects alike": '{ sub = "repo:octo*/app:*" }',
    "a workflow that all may call": '{ job_workflow_ref = "octo/app/.github/x.yml@v1" }',
}


@pytest.mark.parametrize("what", FOR_ALL)
def test_a_github_rule_must_say_whose(what: str):
    """Anybody can get a token from GitHub: such a rule would admit everybody."""
    refuses(GITHUB + rule(FOR_ALL[what]), "claim|whose")


def test_a_rule_by_name_is_warned_of():
    text = GITHUB + rule('{ repository = "octo/app" }')
    (warning,) = settings(text).warnings()
    assert "repository_id" in warning


@pytest.mark.parametrize(
    ("issuer", "claims", "refused"),
    [
        ("https://gitlab.com", '{ ref = "main" }', True),
        ("https://gitlab.com", '{ project_id = "7" }', False),
        ("https://accounts.google.com", '{ email_verified = "true" }', True),
        ("https://accounts.google.com", '{ sub = "1234" }', False),
        ("https://gitlab.example.com", '{ ref = "main" }', False),
        ("https://gitlab.example.com", "{ }", True),
    ],
)
def test_other_issuers_that_serve_all(issuer: str, claims: str, refused: bool):
    text = f'[issuers.x]\nurl = "{issuer}"\naudience = "a"\n'
    text += rule(claims, issuer="x")
    if refused:
        refuses(text, "claim|whose")
    else:
        settings(text)


def test_the_kind_of_an_issuer_can_be_said():
    text = '[issuers.ghe]\nurl = "https://ghe.example.com/_services/token"\n'
    text += 'audience = "a"\nkind = "github"\n'
    refuses(text + rule('{ ref = "x" }', issuer="ghe"), "whose")


@pytest.mark.parametrize(
    "words",
    [
        "team/app",
        "team/app:pull =x",
        "team/app:pull ref",
        ":pull ref=x",
        "a:b ref=x",
        "",
    ],
)
def test_a_rule_of_one_line_that_is_none(words: str):
    with pytest.raises(InvalidInputError):
        allow(words, "issuer", "it")


def test_a_rule_of_one_line():
    found = allow("team/**:pull,push ref=main ref=v* id=1=2", "issuer", "it")
    assert found.actions == {"pull", "push"}
    assert found.admits("issuer", {"ref": "v1", "id": "1=2"})
    assert not found.admits("issuer", {"ref": "v1", "id": "1"})
    assert not found.admits("other", {"ref": "v1", "id": "1=2"})
