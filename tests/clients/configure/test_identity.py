"""`dockcred configure identity` sets a registry's identity in config.toml."""

from __future__ import annotations

import tomllib

import pytest

from .conftest import Person

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
CONFIG = ".config/dockcred/config.toml"
SSO = (
    "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\n"
    "sso_role_name = r\n[sso-session corp]\nsso_start_url = https://c.example\n"
    "sso_region = eu-west-1\n"
)


@pytest.fixture
def dev(person: Person) -> Person:
    """A person with the AWS profile `dev`."""
    person.write(".aws/config", SSO)
    return person


def profile(person: Person, host: str = HOST, name: str = "dev", **variables: str):
    words = ("--registry", host, "--profile", name)
    return person.configure("identity", *words, **variables)


def files(person: Person) -> dict[str, tuple[int, bytes]]:
    """Return the whole home, without the cache with the compiled config.toml."""
    return {n: at for n, at in person.everything().items() if "/.cache" not in n}


def registries(person: Person, name: str = CONFIG) -> list[dict[str, str]]:
    return tomllib.loads((person.home / name).read_text())["registry"]


def test_the_first_entry_makes_the_file_and_undo_leaves_none(dev: Person) -> None:
    before = files(dev)
    done = profile(dev)
    assert done.stderr == ""
    assert (dev.home / CONFIG).read_text() == (
        f'[[registry]]\nmatch = "{HOST}"\nprofile = "dev"\n'
    )
    assert (dev.home / CONFIG).stat().st_mode & 0o777 == 0o600
    dev.configure("identity", "--undo")
    assert files(dev) == before


OTHERS = {
    "defaults and comments": '# mine\nstore = "pass"   # here\n',
    "other entries": (
        'store = "pass"\n\n[[registry]]\n# theirs\nmatch = "*.example.com"\n'
        'login = "store"\n\n\n'
    ),
    "no end of line": '[[registry]]\nmatch = "a.example"\nlogin = "store"',
    "ends of Windows": '[[registry]]\r\nmatch = "a.example"\r\nlogin = "store"\r\n',
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_stands_there_stays_and_comes_back_to_the_byte(name, dev: Person) -> None:
    path = dev.write(CONFIG, OTHERS[name])
    before = files(dev)
    profile(dev)
    text = path.read_bytes().decode()
    assert text.startswith(OTHERS[name].rstrip())
    assert text.count("\n") == text.count("\r\n") or "\r" not in text
    *_, last = registries(dev)
    assert last == {"match": HOST, "profile": "dev"}
    dev.configure("identity", "--undo")
    assert files(dev) == before


def test_an_entry_of_this_very_registry_is_changed_in_its_place(dev: Person) -> None:
    text = (
        f'[[registry]]\nmatch = "{HOST}"  # ours\nprofile = "typo"\nlogin = "store"\n'
        '\n[[registry]]\nmatch = "a.example"\nlogin = "store"\n'
    )
    path = dev.write(CONFIG, text)
    profile(dev)
    assert path.read_text() == text.replace('"typo"', '"dev"')


def test_another_s_change_in_between_stays_at_the_undo(dev: Person) -> None:
    path = dev.write(CONFIG, '[[registry]]\nmatch = "a.example"\nlogin = "store"\n')
    profile(dev)
    theirs = path.read_text() + '\n[[registry]]\nmatch = "b.example"\nlogin = "store"\n'
    path.write_text(theirs)
    dev.configure("identity", "--undo")
    assert [each["match"] for each in registries(dev)] == ["a.example", "b.example"]


def test_twice_is_once(dev: Person) -> None:
    profile(dev)
    before = files(dev)
    assert "says so already" in profile(dev).stdout
    assert files(dev) == before


def test_a_dry_run_shows_the_difference_and_writes_nothing(dev: Person) -> None:
    before = files(dev)
    words = ("--registry", HOST, "--profile", "dev", "--dry-run")
    shown = dev.configure("identity", *words).stdout
    assert '+profile = "dev"\n' in shown
    assert files(dev) == before


def test_what_a_wider_entry_says_besides_whose_identity_it_is_goes_on(
    dev: Person,
) -> None:
    dev.write(
        CONFIG,
        'login = "identity"\n[[registry]]\nmatch = "*.dkr.ecr.*.amazonaws.com"\n'
        'profile = "auto"\nlogin = "refuse"\nendpoint = "https://ecr.corp.example"\n',
    )
    profile(dev)
    assert registries(dev)[-1] == {
        "match": HOST,
        "profile": "dev",
        "login": "refuse",
        "endpoint": "https://ecr.corp.example",
    }


def test_the_file_that_a_variable_names_is_written(dev: Person) -> None:
    named = dev.write("own.toml", "")
    profile(dev, DOCKCRED_CONFIG=str(named))
    assert registries(dev, "own.toml") == [{"match": HOST, "profile": "dev"}]
    assert not (dev.home / CONFIG).exists()


def test_it_is_heard_at_once(dev: Person) -> None:
    """From the next command on, the other identity is used."""
    asked = ("dockcred", "status", HOST, "--json")
    nobody = {"AWS_EC2_METADATA_DISABLED": "true"}
    assert '"profile": "dev"' not in dev.run(*asked, **nobody).stdout
    profile(dev)
    assert '"profile": "dev"' in dev.run(*asked, **nobody).stdout


def test_a_profile_that_is_not_there_is_told_and_written(dev: Person) -> None:
    done = profile(dev, name="dve")
    assert "the AWS profile dve does not exist" in done.stderr


REFUSED = {
    "no registry": ((), "no registry is named"),
    "no identity": (("--registry", HOST), "no identity is named"),
    "a setting that is none": (
        ("--registry", HOST, "--set", "profil=dev"),
        "Did you mean profile?",
    ),
    "no value": (("--registry", HOST, "--set", "profile="), "is no setting"),
    "every host": (("--registry", "*", "--profile", "dev"), "would match every host"),
    "strangers' hosts": (
        ("--registry", "registry.*", "--set", "registry=ghcr.io"),
        "strangers' hosts",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_file_may_say_is_refused_and_nothing_written(name, dev: Person) -> None:
    words, said = REFUSED[name]
    before = files(dev)
    assert said in dev.refused("identity", *words)
    assert files(dev) == before


@pytest.mark.parametrize(
    "text", ["[[registry", "registry = []\n", 'profile = "x"\n'], ids=str
)
def test_a_file_that_is_wrong_already_is_left_as_it_is(text, dev: Person) -> None:
    path = dev.write(CONFIG, text)
    line = dev.refused("identity", "--registry", HOST, "--profile", "dev")
    assert str(path) in line
    assert path.read_text() == text
