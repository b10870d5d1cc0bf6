"""`dockcred setup`: the plan, what it changes, its journal, and the undo."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import oracles
from support.program import Answer, Program

from dockcred.clients.edit import past
from dockcred.commands import shims
from dockcred.commands.setup.journal import Journal, Saved, hide, saved
from dockcred.credential import Credential
from dockcred.system.environment import Environment
from dockcred.wiring import PROGRAMS

LOGINS = {"registry.invalid": ("me", "c2VjcmV0"), "other.invalid:5000": ("you", "pwd")}
PASSWORDS = tuple(password.encode() for _, password in LOGINS.values())
DOCKERS = """{
\t"auths": {
\t\t"registry.invalid": {
\t\t\t"auth": "bWU6YzJWamNtVjA="
\t\t},
\t\t"other.invalid:5000": {
\t\t\t"auth": "eW91OnB3ZA=="
\t\t}
\t},
\t"psFormat": "table {{.ID}}"
}"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the file that `docker login` writes, and a directory on PATH."""
    for name in (".docker", ".local/bin", ".config/dockcred", ".local/share/dockcred"):
        (tmp_path / name).mkdir(parents=True)
    for path in tmp_path.rglob("*"):
        path.chmod(0o700)
    tmp_path.chmod(0o700)
    (tmp_path / ".docker/config.json").write_text(DOCKERS)
    (tmp_path / ".docker/config.json").chmod(0o600)
    return tmp_path


@pytest.fixture(scope="module")
def launchers(helper_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all launchers, made once: to write them takes two seconds."""
    place = tmp_path_factory.mktemp("launchers")
    place.chmod(0o755)
    answer = Program(str(helper_bin / "dockcred"))(
        "install", "--dir", str(place), environment={"HOME": str(place), "PATH": ""}
    )
    assert answer.status == 0, answer
    return place


@pytest.fixture
def dockcred(home: Path, helper_bin: Path, launchers: Path) -> Callable[..., Answer]:
    program = Program(str(helper_bin / "dockcred"))

    def call(*words: str, **more: str) -> Answer:
        variables = {
            "HOME": str(home),
            "PATH": f"{launchers}:{home}/.local/bin",
            "DOCKCRED_TIMEOUT": "2",
            "NO_PROXY": "*",
        }
        return program(*words, environment=variables | more)

    return call


@pytest.fixture
def vault(home: Path, dockcred: Callable[..., Answer]) -> None:
    key = str(home / "vault.key")
    assert dockcred("vault", "create", "--key-file", key).status == 0


def files(home: Path) -> dict[str, bytes]:
    """Return every file's bytes, without caches and the vault, which is sealed anew."""
    found = (path for path in home.rglob("*") if path.is_file() or path.is_symlink())
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in found
        if ".cache" not in path.parts and path.name != "vault"
    }


def plan(dockcred: Callable[..., Answer], *words: str) -> dict:
    answer = dockcred("setup", "--dry-run", "--json", *words)
    assert (answer.status, answer.stderr) == (0, b""), answer
    found: dict = json.loads(answer.stdout)
    return found


def test_the_plan_says_all_and_changes_nothing(home, dockcred, vault) -> None:
    before = files(home)
    found = plan(dockcred)
    assert files(home) == before
    assert [each["do"] for each in found["steps"]] == [*("keep", "configure", "remove")]
    assert all(each.keys() == {"do", "what", "where", "why"} for each in found["steps"])
    served = {each["registry"]: each for each in found["registries"]}
    assert served["registry.invalid"] == {
        "registry": "registry.invalid",
        "helper": "docker-credential-auto",
        "identity": "me",
        "source": "keychain:vault",
    }
    text = dockcred("setup", "--dry-run").stdout
    assert b'credsStore = "auto"' in text
    assert files(home) == before


def test_without_a_terminal_it_needs_yes(home, dockcred, vault) -> None:
    before = files(home)
    answer = dockcred("setup")
    assert answer.status == 1
    assert b"there is no terminal to ask on; add --yes" in answer.stderr
    assert files(home) == before


def test_all_is_set_up_proved_and_given_back(home, dockcred, vault, helper_bin) -> None:
    """The launchers too: one replaces a link as pipx makes it."""
    (home / ".local/bin/docker-credential-auto").symlink_to(
        helper_bin / "docker-credential-auto"
    )
    before = files(home)
    path = f"{home}/.local/bin"
    done = dockcred("setup", "--yes", PATH=path)
    others = f"install docker-credential-auto and {len(PROGRAMS) - 1} others"
    assert others.encode() in done.stdout
    assert not (home / ".local/bin/docker-credential-auto").is_symlink()
    assert done.status == 1  # there are no such registries
    assert b"registry.invalid broken: " in done.stdout
    config = json.loads((home / ".docker/config.json").read_text())
    assert config == {"psFormat": "table {{.ID}}", "credsStore": "auto", "auths": {}}
    got = dockcred("get", "registry.invalid", "--password")
    assert got.stdout.strip() == b"c2VjcmV0"
    again = dockcred("setup", "--yes", PATH=path)
    assert b"nothing: all is set up" in again.stdout
    undone = dockcred("setup", "--undo", "--yes", PATH=path)
    assert undone.status == 0, undone
    assert files(home) == before
    assert (home / ".local/bin/docker-credential-auto").is_symlink()
    assert dockcred("get", "registry.invalid", "--password").status != 0
    assert dockcred("setup", "--undo", "--yes").stdout == b"nothing to undo\n"


def test_a_second_one_at_the_same_time_changes_nothing(home, dockcred, vault) -> None:
    before = files(home)
    first = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(first, fcntl.LOCK_EX)
        for words in (("--yes",), ("--undo", "--yes")):
            second = dockcred("setup", *words)
            assert second.status == 1
            assert b"another dockcred setup is at work here" in second.stderr
        assert files(home) == before
        assert dockcred("setup", "--dry-run").status == 0
    finally:
        os.close(first)
    assert b"Proof" in dockcred("setup", "--yes").stdout


def test_of_two_at_once_the_undo_still_gives_back_all(home, dockcred, vault) -> None:
    before = files(home)
    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(dockcred, "setup", "--yes") for _ in range(2)]
    assert any(b"Proof" in each.result().stdout for each in ended)
    assert files(home) != before
    assert dockcred("setup", "--undo", "--yes").status == 0
    assert files(home) == before


def test_json_is_all_that_stands_on_stdout(home, dockcred, vault) -> None:
    done = dockcred("setup", "--yes", "--json")
    found = json.loads(done.stdout)
    proofs = {each["registry"]: each for each in found["proofs"]}
    assert proofs.keys() == LOGINS.keys()
    assert all(
        each["verdict"] == "broken" and each["cause"] for each in proofs.values()
    )
    assert b"imported, read back equal" in done.stderr


def test_no_secret_is_in_the_journal_nor_said(home, dockcred, vault) -> None:
    done = dockcred("setup", "--yes")
    kept = files(home)
    assert ".local/state/dockcred/setup.json" in kept
    assert (home / ".local/state/dockcred/setup.json").stat().st_mode & 0o777 == 0o600
    said = [done.stdout, done.stderr, *kept.values()]
    for secret in (*PASSWORDS, b"bWU6YzJWamNtVjA=", b"eW91OnB3ZA=="):
        assert not any(secret in text for text in said), secret


@pytest.mark.slow
def test_what_others_have_changed_since_stays(home, dockcred, vault) -> None:
    file = home / ".docker/config.json"
    dockcred("setup", "--yes")
    file.write_text(file.read_text().replace("table", "json"))
    assert dockcred("setup", "--undo", "--yes").status == 0
    found = json.loads(file.read_text())
    assert found == json.loads(DOCKERS.replace("table", "json"))


@pytest.mark.slow
def test_the_undo_says_before_what_it_cannot(home, dockcred, vault) -> None:
    file = home / ".docker/config.json"
    dockcred("setup", "--yes")
    # `docker login` leaves this entry when it has given the password to the helper.
    text = file.read_text()
    file.write_text(text.replace('"auths": {}', '"auths": {"new.invalid": {}}'))
    said = dockcred("setup", "--undo", "--dry-run").stdout
    assert b"logins made since stay in the keychain: new.invalid" in said
    assert b"logins leave the keychain, readable in files again: registry.inv" in said
    assert file.read_text() != text  # nothing is undone yet
    assert dockcred("setup", "--undo", "--yes").status == 0
    found = json.loads(file.read_text())
    assert found["auths"] == {**json.loads(DOCKERS)["auths"], "new.invalid": {}}
    assert "credsStore" not in found


@pytest.mark.slow
def test_an_earlier_configure_is_not_undone(home, dockcred, vault) -> None:
    words = "configure", "docker", "--registry", "ghcr.io", "--helper", "ghcr-login"
    assert dockcred(*words).status == 0
    before = files(home)
    dockcred("setup", "--yes")
    assert dockcred("setup", "--undo", "--yes").status == 0
    assert files(home) == before
    assert dockcred("configure", "docker", "--undo").status == 0
    assert (home / ".docker/config.json").read_text() == DOCKERS


def test_without_a_keychain_no_login_is_hidden(home, dockcred) -> None:
    found = plan(dockcred, "ghcr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    assert "keep" not in {each["do"] for each in found["steps"]}
    dockcred("setup", "--yes", "123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    config = json.loads((home / ".docker/config.json").read_text())
    assert config["auths"] == json.loads(DOCKERS)["auths"]
    assert "credsStore" not in config
    assert config["credHelpers"] == {
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com": "auto"
    }
    served = {each["registry"]: each for each in found["registries"]}
    source = f"file:{home}/.docker/config.json"
    assert served["registry.invalid"]["source"] == source


def test_a_login_that_would_be_lost_stops_it_before_it_is_hidden(
    home, dockcred, vault
) -> None:
    """The vault has another password, and it is unknown which one is right."""
    assert dockcred("import", "docker").status == 0
    file = home / ".docker/config.json"
    text = DOCKERS.replace("eW91OnB3ZA==", "eW91OmVsc2U=")
    file.write_text(text)
    answer = dockcred("setup", "--yes")
    assert answer.status == 1
    assert b"other.invalid:5000 could not be kept" in answer.stderr
    assert file.read_text() == text
    assert dockcred("setup", "--undo", "--yes").status == 0
    assert file.read_text() == text


@pytest.mark.slow
def test_a_helper_that_is_gone_is_replaced_and_one_that_is_there_stays(
    home, dockcred
) -> None:
    there = home / ".local/bin/docker-credential-old"
    there.write_text("#!/bin/sh\nexit 1\n")
    there.chmod(0o755)
    table = {"gone.invalid": "desktop", "there.invalid": "old"}
    (home / ".docker/config.json").write_text(json.dumps({"credHelpers": table}))
    found = plan(dockcred)
    assert any("docker-credential-desktop is not there" in n for n in found["notes"])
    dockcred("setup", "--yes")
    config = json.loads((home / ".docker/config.json").read_text())
    assert config["credHelpers"] == {"gone.invalid": "auto", "there.invalid": "old"}


@pytest.mark.slow
def test_another_store_goes_on_keeping_the_logins(home, dockcred) -> None:
    there = home / ".local/bin/docker-credential-desktop"
    there.write_text("#!/bin/sh\necho '{}'\n")
    there.chmod(0o755)
    (home / ".docker/config.json").write_text('{"credsStore": "desktop"}')
    before = files(home)
    dockcred("setup", "--yes")
    config = home / ".config/dockcred/config.toml"
    assert config.read_text() == 'store = "helper:desktop"\n'
    dockcred("setup", "--undo", "--yes")
    assert files(home) == before


PROFILES = """[profile dev]
sso_account_id = 111111111111
sso_role_name = Dev
region = eu-west-1
[profile prod]
role_arn = arn:aws:iam::222222222222:role/pull
source_profile = dev
[profile admin]
role_arn = arn:aws:iam::222222222222:role/all
source_profile = dev
"""
OF_ACCOUNT = "{}.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.slow
def test_each_account_gets_the_profile_that_leads_to_it(home, dockcred) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(PROFILES)
    before = files(home)
    one, two = OF_ACCOUNT.format("1" * 12), OF_ACCOUNT.format("2" * 12)
    found = plan(dockcred)
    assert [each for each in found["registries"] if each["registry"] == one] == [
        {
            "registry": one,
            "helper": "docker-credential-auto",
            "identity": f"account {'1' * 12}, profile dev, role Dev",
            "source": "aws:sso",
        }
    ]
    assert not found["questions"]  # no argument names the other account
    assert any(
        f"to choose one run: dockcred setup {'2' * 12}" in n for n in found["notes"]
    )
    (question,) = plan(dockcred, two)["questions"]
    assert (question["choices"], question["default"]) == (["prod", "admin"], "prod")
    config = home / ".config/dockcred/config.toml"
    dockcred("setup", "--yes", two)
    assert tomllib.loads(config.read_text())["registry"] == [
        {
            "match": OF_ACCOUNT.format("1" * 12).replace("eu-west-1", "*"),
            "profile": "dev",
        },
        {
            "match": OF_ACCOUNT.format("2" * 12).replace("eu-west-1", "*"),
            "profile": "prod",
        },
    ]
    assert b"nothing: all is set up" in dockcred("setup", "--yes", two).stdout
    dockcred("setup", "--undo", "--yes")
    assert files(home) == before


@pytest.mark.slow
def test_a_login_that_was_typed_goes_on_before_an_identity(
    home, dockcred, vault
) -> None:
    (home / ".config/gh").mkdir()
    (home / ".config/gh/hosts.yml").write_text(
        "github.com:\n    user: octo\n    oauth_token: gho_x\n"
    )
    file = home / ".docker/config.json"
    file.write_text('{"auths": {"ghcr.io": {"auth": "bWU6dHlwZWQ="}}}')
    (question,) = plan(dockcred)["questions"]
    assert question["choices"] == ["the login of me", "github:token"]
    dockcred("setup", "--yes")
    config = json.loads(file.read_text())
    assert config["credHelpers"] == {"ghcr.io": "keyring"}


HELMS = ".config/helm/registry/config.json"


def helm_s(home: Path, *logins: tuple[str, str]) -> Path:
    """Write helm's own file as `helm registry login` does."""
    file = home / HELMS
    file.parent.mkdir(parents=True, exist_ok=True)
    auths = {
        host: {"auth": base64.b64encode(login.encode()).decode()}
        for host, login in logins
    }
    file.write_text(json.dumps({"auths": auths}, indent="\t"))
    file.chmod(0o600)
    return file


def test_helm_s_own_logins_are_in_the_plan(home, dockcred, vault) -> None:
    file = helm_s(home, ("charts.invalid", "ada:pa:ss"))
    where = {
        each["do"]: each["where"]
        for each in plan(dockcred)["steps"]
        if "helm" in str(each)
    }
    assert where["configure"] == where["remove"] == str(file)


def test_helm_s_own_logins_are_moved_and_given_back(
    home, dockcred, vault, launchers
) -> None:
    """Helm's own library finds them in the file before, in the keychain after."""
    file = helm_s(home, ("charts.invalid", "ada:pa:ss"))
    (home / ".docker/config.json").unlink()
    (home / ".docker").rmdir()
    before = files(home)
    asked = {"PATH": str(launchers), "DOCKCRED_STORE": "vault"}

    def of_helm() -> tuple[str | None, str | None]:
        found = oracles.ask("helm_registry", home, asked, "charts.invalid/app")
        return found["username"], found["secret"]

    assert of_helm() == ("ada", "pa:ss")
    steps = {
        each["do"]: each for each in plan(dockcred)["steps"] if "helm" in str(each)
    }
    assert steps["configure"]["where"] == steps["remove"]["where"] == str(file)
    done = dockcred("setup", "--yes")
    assert b"charts.invalid broken: " in done.stdout, done
    assert json.loads(file.read_bytes()) == {"auths": {}, "credsStore": "auto"}
    assert of_helm() == ("ada", "pa:ss")
    assert not plan(dockcred)["steps"]
    assert dockcred("setup", "--undo", "--yes").status == 0
    assert files(home) == before


def test_a_login_of_helm_s_that_is_another_than_docker_s_stays(
    home, dockcred, vault
) -> None:
    """The keychain keeps one login per registry; helm goes on using its own file."""
    same, other = ("registry.invalid", "me:c2VjcmV0"), ("other.invalid:5000", "me:mine")
    file = helm_s(home, same, other)
    dockcred("setup", "--yes")
    config = json.loads(file.read_bytes())
    assert config["auths"].keys() == {"other.invalid:5000"}
    assert "credsStore" not in config
    # A second plan: docker's login is now in the keychain, not in its file.
    notes = plan(dockcred)["notes"]
    assert any("other.invalid:5000" in note and str(file) in note for note in notes)


def test_without_a_keychain_helm_s_file_stays(home, dockcred) -> None:
    file = helm_s(home, ("charts.invalid", "ada:pa:ss"))
    before = file.read_bytes()
    notes = plan(dockcred)["notes"]
    assert any(f"{file} asks nobody: its logins" in note for note in notes)
    dockcred("setup", "--yes")
    assert file.read_bytes() == before


def test_another_s_store_in_helm_s_file_stays(home, dockcred, vault) -> None:
    file = home / HELMS
    file.parent.mkdir(parents=True)
    file.write_text('{"credsStore": "elsewhere"}')
    assert str(file) in {each["where"] for each in plan(dockcred)["steps"]}
    program = home / ".local/bin/docker-credential-elsewhere"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    found = plan(dockcred)
    assert str(file) not in {each["where"] for each in found["steps"]}
    assert any("helm asks docker-credential-elsewhere" in n for n in found["notes"])


def test_a_token_of_hours_is_no_login_to_keep(home, dockcred, vault) -> None:
    text = json.dumps({"auths": {OF_ACCOUNT.format("1" * 12): {"auth": "QVdTOng="}}})
    (home / ".docker/config.json").write_text(text)
    found = plan(dockcred)
    assert "keep" not in {each["do"] for each in found["steps"]}
    assert "the token of AWS" in found["notes"][-1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_file_that_cannot_be_written_stops_it_before_any_change(
    home, dockcred, vault
) -> None:
    (home / ".docker").chmod(0o500)
    before = files(home)
    answer = dockcred("setup", "--yes")
    assert answer.status == 1
    assert b"Permission denied; run: " in answer.stderr
    assert files(home) == before


WHERE = {
    "the usual place is on PATH": ("{home}/.local/bin:{home}/bin", "{home}/.local/bin"),
    "another of this user's is": ("/usr/bin:{home}/bin", "{home}/bin"),
    "an environment's is no place": ("{home}/venv/bin:/usr/bin", "{home}/.local/bin"),
    "others can write it": ("{home}/open:/usr/bin", "{home}/.local/bin"),
}


@pytest.mark.parametrize("case", WHERE)
def test_launchers_go_where_clients_look(case: str, home, monkeypatch) -> None:
    for name in ("bin", "venv/bin", "open"):
        (home / name).mkdir(parents=True)
        (home / name).chmod(0o700)
    (home / "venv/pyvenv.cfg").touch()
    (home / "open").chmod(0o777)
    monkeypatch.setenv("HOME", str(home))
    usual = f"{home}/.local/bin"
    monkeypatch.setattr(shims, "usual_directory", lambda: usual)
    path, place = (text.format(home=home) for text in WHERE[case])
    assert shims.directory_on(path) == place


ODD = {
    "a user and a password": {"username": "me", "password": "typed"},
    "an identity token": {"auth": "PHRva2VuPjo=", "identitytoken": "typed"},
}


@pytest.mark.parametrize("case", ODD)
def test_marks_take_the_place_of_secrets(case: str, tmp_path: Path) -> None:
    text = json.dumps({"auths": {"registry.invalid": ODD[case]}})
    (tmp_path / "config.json").write_text(text)
    user = "<token>" if "identitytoken" in ODD[case] else "me"
    logins = {"registry.invalid": Credential(user, "typed")}
    file = saved(str(tmp_path / "config.json"), "json")
    hide(file, logins)
    assert "typed" not in (file.text or "typed")
    assert file.original(logins) == text.encode()


UNTOLD = {
    "escaped in the JSON": ("bWU6\nc2VjcmV0", "secret"),
    "bits that base64 passes over": ("bWU6c2VjcmV=", "secre"),
}


@pytest.mark.parametrize("case", UNTOLD)
def test_a_text_whose_secret_cannot_be_told_apart_is_not_kept(
    case: str, tmp_path: Path
) -> None:
    """Its `auth` decodes to the login, but encoding that gives another text."""
    auth, secret = UNTOLD[case]
    text = json.dumps({"auths": {"registry.invalid": {"auth": auth}}})
    (tmp_path / "config.json").write_text(text)
    file: Saved = saved(str(tmp_path / "config.json"), "json")
    hide(file, {"registry.invalid": Credential("me", secret)})
    assert (file.text, file.marks) == (None, [])


def test_what_a_killed_run_has_left_beside_a_file_goes(home, dockcred, vault) -> None:
    """It may hold a login. The file itself needs no change any more."""
    dockcred("setup", "--yes")
    left = home / ".docker/config.json.before-dockcred.0123456789abcdef.new"
    left.write_text("bWU6YzJWamNtVjA=")
    again = dockcred("setup", "--yes")
    assert b"nothing: all is set up" in again.stdout
    assert not left.exists()


def test_an_undo_takes_a_half_written_launcher_along(home, dockcred, vault) -> None:
    dockcred("setup", "--yes", PATH=f"{home}/.local/bin")
    left = home / ".local/bin/docker-credential-auto.0123456789abcdef.new"
    left.write_text("#!/bin/sh")
    assert dockcred("setup", "--undo", "--yes").status == 0
    assert not left.exists()


def test_a_second_run_hides_what_it_moves_and_keeps_the_first_one_s_marks(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text(DOCKERS)
    file = saved(str(tmp_path / "config.json"), "json")
    logins = {key: Credential(*login) for key, login in LOGINS.items()}
    for key in LOGINS:
        hide(file, {key: logins[key]})
    assert not any(auth in (file.text or "") for auth in ("bWU6", "eW91"))
    assert file.original(logins) == DOCKERS.encode()


def test_where_nothing_keeps_logins_docker_goes_on_keeping_them(home, dockcred) -> None:
    """Otherwise `docker login`, which worked before, would fail."""
    (home / ".docker/config.json").write_text('{"auths": {}}')
    found = plan(dockcred, "contoso.azurecr.io")
    (step,) = found["steps"]
    assert step["what"] == "credHelpers: auto"
    assert step["why"].endswith("for contoso.azurecr.io; its logins go on being read")
    assert any("nothing here keeps logins" in note for note in found["notes"])
    assert plan(dockcred)["steps"] == []


def test_a_backup_that_still_has_a_moved_login_loses_it(home, dockcred, vault) -> None:
    """A run that is killed between the file and its backup leaves such a backup."""
    dockcred("setup", "--yes")
    backup = home / ".docker/config.json.before-dockcred"
    backup.write_text(DOCKERS)
    dockcred("setup", "--yes")
    assert "bWU6YzJWamNtVjA=" not in backup.read_text()


def test_an_undo_without_a_journal_removes_one_half_written(home, dockcred) -> None:
    left = home / ".local/state/dockcred/setup.json.0123456789abcdef.new"
    left.parent.mkdir(mode=0o700, parents=True)
    left.write_text("{")
    assert b"nothing to undo" in dockcred("setup", "--undo", "--dry-run").stdout
    assert left.exists()
    assert b"nothing to undo" in dockcred("setup", "--undo").stdout
    assert not left.exists()


def test_the_journal_goes_when_all_that_it_names_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Journal(Environment({"HOME": str(tmp_path)}))
    made = tmp_path / "made"
    made.mkdir()
    kept.made.append(str(made))
    there = []
    monkeypatch.setattr(past, "remove", lambda _: there.append(made.exists()))
    kept.end()
    assert there == [False]
