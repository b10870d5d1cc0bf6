"""Errors of config.toml name file and line; the file's owner and mode are checked."""

from __future__ import annotations

import os

import pytest
from support.program import HOST

from dockcred.credential import ServerURL
from dockcred.identity.cache import stat_signature
from dockcred.identity.config import Config, files, open_config
from dockcred.system.environment import Environment

WRONG = {
    "an unknown setting": (f'[[registry]]\nmatch = "{HOST}"\nprofil = "x"\n', ":3:"),
    "an unknown default": ('\nprofile = "x"\n', ":2:"),
    "a bad glob": ('[[registry]]\nmatch = "*"\n', ":2:"),
    "no match": ('\n[[registry]]\nprofile = "x"\n', ":2:"),
    "a number": (f'[[registry]]\nmatch = "{HOST}"\nprofile = 3\n', ":3:"),
    "not a list": ('[registry]\nmatch = "x"\n', ":"),
    "no TOML": ("match =\n", "config.toml is not TOML"),
    "two of equal weight": (
        f'[[registry]]\nmatch = "{HOST}"\n[[registry]]\nmatch = "{HOST}"\n',
        ":3 match",
    ),
    "a bad target": (
        f'[[registry]]\nmatch = "{HOST}"\nregistry = "a b"\n',
        ":",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_told_with_its_place(ecr, cloud, configured, name) -> None:
    text, place = WRONG[name]
    environment = configured(dict(cloud.environment("env-keys")), text)
    answer = ecr.get(environment)
    assert place in answer.said
    assert environment["DOCKCRED_CONFIG"] in answer.said
    assert not cloud.calls


@pytest.mark.parametrize("match", ["*.com", "registry.*", "r.c?m", "r.example.*"])
@pytest.mark.parametrize("setting", ["identity", "registry", "token_username"])
def test_a_pattern_that_strangers_match_hands_nothing_out(
    oidc, cloud, configured, match, setting
) -> None:
    """Anybody can own evil.com, and would be sent a job's token."""
    value = {"identity": "oidc", "registry": HOST, "token_username": "me"}[setting]
    text = f'[[registry]]\nmatch = "{match}"\n{setting} = "{value}"\n'
    environment = configured(cloud.environment("ci-github"), text)
    answer = oidc.get(environment, "evil.com")
    assert ":2: " in answer.said
    assert "matches strangers' hosts" in answer.said
    assert not cloud.calls


@pytest.mark.parametrize("match", ["*.r.example", "r-*.corp.example", "localhost"])
def test_a_pattern_within_a_domain_is_taken(oidc, cloud, configured, match) -> None:
    text = f'[[registry]]\nmatch = "{match}"\nidentity = "oidc"\n'
    environment = configured(cloud.environment("ci-github"), text)
    assert oidc.get(environment, match.replace("*", "x")).password


def test_a_file_that_others_can_write_is_refused(ecr, cloud, configured) -> None:
    environment = configured(dict(cloud.environment("env-keys")), "")
    os.chmod(environment["DOCKCRED_CONFIG"], 0o666)
    assert "others can write" in ecr.get(environment).said


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_a_strangers_file_is_refused(ecr, cloud, configured) -> None:
    environment = configured(dict(cloud.environment("env-keys")), "")
    os.chown(environment["DOCKCRED_CONFIG"], 12345, 12345)
    assert "others can write" in ecr.get(environment).said


def test_a_named_file_that_is_missing_is_told(ecr, cloud) -> None:
    environment = {**cloud.environment("env-keys"), "DOCKCRED_CONFIG": "/nonexistent"}
    assert "/nonexistent, which is not there" in ecr.get(environment).said


def test_a_change_counts_at_once(ecr, cloud, configured) -> None:
    """The compiled copy is read only if it is of these very files."""
    environment = dict(cloud.environment("env-keys"))
    configured_as = configured(environment, f'[[registry]]\nmatch = "{HOST}"\n')
    assert ecr.get(configured_as).password
    wrong = configured(environment, "nonsense = 1\n")
    assert "no setting 'nonsense'" in ecr.get(wrong).said
    right = configured(environment, f'[[registry]]\nmatch = "{HOST}"\n')
    assert ecr.get(right).password


def test_the_users_entry_wins_over_the_systems(tmp_path) -> None:
    """Of two entries of equal weight, the later file's wins."""
    rows = [
        ["/etc/dockcred/config.toml:1", "r.example", "profile", "system"],
        ["/home/u/.config/dockcred/config.toml:1", "r.example", "profile", "user"],
        ["/etc/dockcred/config.toml:9", "*.example", "profile", "wide"],
    ]
    found = Config({"store": "vault"}, rows, {}).settings_for(
        ServerURL.parse("r.example")
    )
    assert found == {"store": "vault", "profile": "user"}


def test_a_directory_in_place_of_a_file_is_told(ecr, cloud, tmp_path) -> None:
    environment = {**cloud.environment("env-keys"), "DOCKCRED_CONFIG": str(tmp_path)}
    assert "cannot be read" in ecr.get(environment).said


def test_files_that_are_not_there_look_as_a_watched_file_would(tmp_path) -> None:
    """Tickets compare the looks of configuration files and of watched files."""
    environment = Environment({"HOME": str(tmp_path)})
    looks = open_config(environment, lambda: pytest.fail("no cache is needed")).looks
    assert looks == {path: stat_signature(path) for path in files(environment)}
