"""The front answers for identities with files and tokens, and sees their changes."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from support.program import HOST

from dockcred.identity.cache import Entry
from dockcred.identity.cache.files import Cache
from dockcred.identity.cache.ticket import Tickets
from dockcred.providers.ecr import ECR
from dockcred.system import process
from dockcred.system.environment import Environment
from dockcred.testing.sandbox.aws.container import AUDIENCE

from .conftest import Primed

KEY = HOST.encode()
STS = "sts.amazonaws.com"
BY_FILES = ("profile", "shared-credentials", "assume-role", "sso")
BY_TOKEN = {"web-identity": STS, "pod-identity": AUDIENCE}


def config_of(environment) -> Path:
    return Path(environment["HOME"]) / ".aws/config"


def token_of(environment) -> Path:
    return Path(environment["HOME"]) / "token"


def issue(cloud, subject: str, audience: str) -> str:
    return cloud.aws.issuer.issue(
        subject=f"system:serviceaccount:default:{subject}",
        audience=audience,
        issued_at=time.time(),
        lifetime_s=3600,
    )


@pytest.mark.parametrize("identity", [*BY_FILES, *BY_TOKEN])
def test_an_identity_of_files_is_answered_without_python(
    launched, cloud, identity
) -> None:
    primed = Primed(launched, dict(cloud.environment(identity)))
    cloud.reset()
    for shell in ("dash", "bash", "busybox"):
        if shutil.which(shell):
            answer = launched(KEY, primed.environment, shell=shell)
            assert not answer.by_python
            assert answer.stdout == primed.answer
    assert cloud.calls.total() == 0


def test_a_program_that_gets_a_family_of_variables_is_pythons(launched, cloud) -> None:
    """A shell cannot tell whether any variable AWS_VAULT_* is set."""
    primed_by = dict(cloud.environment("credential-process"))
    first, second = (launched(KEY, primed_by) for _ in range(2))
    assert first.stdout == second.stdout
    assert second.by_python
    assert not list(Path(primed_by["HOME"]).glob(".cache/dockcred/front,*"))
    third = launched(KEY, primed_by | {"AWS_VAULT_BACKEND": "file"})
    assert third.stdout != first.stdout


@pytest.mark.parametrize("name", ["AWS_METADATA_SERVICE_TIMEOUT", "AWS_SDK_UA_APP_ID"])
def test_what_an_sdk_asks_for_makes_a_difference(launched, cloud, shell, name) -> None:
    """These variables are on none of our lists of names."""
    primed = Primed(launched, dict(cloud.environment("assume-role")))
    environment = primed.environment
    assert not launched(KEY, environment, shell=shell).by_python
    assert not launched(KEY, environment | {"PATH": "/bin"}, shell=shell).by_python
    other = environment | {name: "2"}
    assert launched(KEY, other, shell=shell).by_python
    assert not launched(KEY, other, shell=shell).by_python
    assert launched(KEY, environment | {name: ""}, shell=shell).by_python


def written_over(path: Path) -> None:
    """Change a file with the same size, mtime and inode: only the ctime differs."""
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"role/", b"ro1e/"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def moved_in(path: Path) -> None:
    """Replace the file's directory by a copy with the old times."""
    directory = path.parent
    shutil.copytree(directory, directory.with_name("other"), copy_function=shutil.copy2)
    directory.rename(directory.with_name("was"))
    directory.with_name("other").rename(directory)


@pytest.mark.parametrize("change", [Path.unlink, os.utime, written_over, moved_in])
def test_a_file_that_changes_is_pythons(launched, cloud, shell, change) -> None:
    environment = dict(cloud.environment("assume-role"))
    Primed(launched, environment)
    assert not launched(KEY, environment, shell=shell).by_python
    change(config_of(environment))
    assert launched(KEY, environment, shell=shell).by_python


def test_a_file_without_our_stat_is_pythons(launched, cloud, shell) -> None:
    """Another system's `stat` may print something else: then Python must answer."""
    environment = dict(cloud.environment("assume-role"))
    primed = Primed(launched, environment)
    primed.edit("\nlook ", "\nlook 1")
    assert launched(KEY, environment, shell=shell).by_python


@pytest.mark.parametrize("identity", BY_TOKEN)
def test_another_subject_never_gets_the_last_ones_password(
    launched, cloud, shell, identity
) -> None:
    """The second token has the same path, size, mtime and inode."""
    environment = dict(cloud.environment(identity))
    primed = Primed(launched, environment)
    path = token_of(environment)
    before = path.stat()
    stranger = "x" * len(identity)
    path.write_text(issue(cloud, stranger, BY_TOKEN[identity]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    answer = launched(KEY, environment, shell=shell)
    assert answer.by_python
    assert answer.stdout != primed.answer


@pytest.mark.parametrize("identity", BY_TOKEN)
def test_a_rotated_token_is_pythons_once(launched, cloud, identity) -> None:
    """For the same subject, the cache answers, and from then on the front."""
    environment = dict(cloud.environment(identity))
    primed = Primed(launched, environment)
    time.sleep(1.1)  # another iat, another signature
    token_of(environment).write_text(issue(cloud, identity, BY_TOKEN[identity]))
    cloud.reset()
    first, second = (launched(KEY, environment) for _ in range(2))
    assert (first.by_python, second.by_python) == (True, False)
    assert first.stdout == second.stdout == primed.answer
    assert cloud.calls.total() == 0


def test_no_ticket_is_written_for_a_token_that_has_passed_on(
    launched, cloud, tmp_path, monkeypatch
) -> None:
    """The entry is the first subject's, but the file holds the second's token now."""
    monkeypatch.setattr(process, "short", "ecr-login")
    environment = dict(cloud.environment("web-identity"))
    primed = Primed(launched, environment)
    (cached,) = primed.cache.glob("ecr,*[!k]")
    held = Entry.from_text(cached.read_text())
    for subject, written in (("web-identity", True), ("stranger", False)):
        token_of(environment).write_text(issue(cloud, subject, STS))
        place = tmp_path / subject
        place.mkdir(mode=0o700)
        tickets = Tickets(
            Cache(str(place)), ECR(), HOST, Environment(environment), {}, ()
        )
        tickets.keep(cached.name, held, time.time())
        assert bool(list(place.glob("front,*"))) == written


def test_a_token_is_read_through_the_links_of_a_projected_volume(
    launched, cloud, shell
) -> None:
    """kubelet replaces ..data, a symbolic link to the current version's directory."""
    environment = dict(cloud.environment("web-identity"))
    path = token_of(environment)
    for moment in ("..1", "..2"):
        (path.parent / moment).mkdir()
    (path.parent / "..1/token").write_text(path.read_text())
    (path.parent / "..2/token").write_text(issue(cloud, "stranger", STS))
    data = path.parent / "..data"
    data.symlink_to("..1")
    path.unlink()
    path.symlink_to("..data/token")
    primed = Primed(launched, environment)
    assert launched(KEY, environment, shell=shell).stdout == primed.answer
    assert not launched(KEY, environment, shell=shell).by_python
    (path.parent / "..new").symlink_to("..2")
    (path.parent / "..new").rename(data)
    assert launched(KEY, environment, shell=shell).status == 1


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("")])
def test_a_token_that_is_gone_is_pythons(launched, cloud, shell, change) -> None:
    environment = dict(cloud.environment("web-identity"))
    Primed(launched, environment)
    change(token_of(environment))
    assert launched(KEY, environment, shell=shell).by_python


@pytest.mark.parametrize("token", ["a.b.c", "opaque"])
def test_a_token_without_a_subject_has_no_ticket(launched, cloud, token) -> None:
    """Such a token has nothing to compare but the token itself."""
    environment = dict(cloud.environment("pod-identity"))
    token_of(environment).write_text(token)
    launched(KEY, environment)
    assert not list(Path(environment["DOCKCRED_CACHE_DIR"]).glob("front,*"))


def test_a_ticket_holds_no_token(launched, cloud) -> None:
    """It holds neither the token, nor enough of the signature to make one."""
    primed = Primed(launched, dict(cloud.environment("web-identity")))
    text = primed.ticket.read_text()
    head, _, signature = token_of(primed.environment).read_text().rpartition(".")
    assert head not in text
    assert signature[-22:] in text
    assert signature[-23:] not in text


@pytest.mark.parametrize("gone", ["ticket", "stamp"])
def test_a_ticket_is_made_from_another_programs_entry(launched, cloud, gone) -> None:
    """The plain program, or auto, has minted: the front can use that entry soon."""
    environment = dict(cloud.environment("web-identity"))
    primed = Primed(launched, environment)
    getattr(primed, gone).unlink()
    first, second = (launched(KEY, environment) for _ in range(2))
    assert (first.by_python, second.by_python) == (True, False)
    assert first.stdout == second.stdout == primed.answer


@pytest.mark.parametrize("exported", ["answer", "token", "line"])
def test_what_was_read_is_in_no_childs_variables(
    launched, cloud, shell, exported
) -> None:
    """A shell exports variables that it inherited, and all with `allexport`."""
    environment = dict(cloud.environment("web-identity"))
    primed = Primed(launched, environment)
    environment |= {exported: "x", "SHELLOPTS": "allexport"}
    primed.edit("\nend\n", "\n")
    launched(KEY, environment, shell=shell)
    seen = launched.mark.read_text()
    assert f"\n{exported}=" not in f"\n{seen}"
    assert token_of(environment).read_text() not in seen
    assert json_secret(primed.answer) not in seen


def json_secret(answer: bytes) -> str:
    return answer.decode().partition('"Secret":"')[2].partition('"')[0]
