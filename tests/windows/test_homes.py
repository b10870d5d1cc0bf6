"""Homes as people have them: blanks and umlauts, none, unwritable, deep paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Case
from .test_helpers import ECR, ECR_CALL, ECR_HOST, KEYRING, PATIENT

pytestmark = pytest.mark.slow

BLANK = "Jürgen Grün 你好"
OF_HOME = ("USERPROFILE", "APPDATA", "LOCALAPPDATA", "HOMEDRIVE", "HOMEPATH", "HOME")
UNWRITABLE = "Z:\\sys"
"""A directory in which not even root can create a file."""
OTHERS = "configure helm --all", "configure podman --all", "setup --yes"


def _home(kind: str, windows, tmp_path: Path) -> dict[str, str | None]:
    if kind == "none":
        return dict.fromkeys(OF_HOME)
    name = {"long": "/".join(3 * ["x" * 100])}.get(kind, BLANK)
    place = tmp_path / name
    place.mkdir(parents=True)
    return home_at(UNWRITABLE if kind == "unwritable" else windows.path(place))


def home_at(path: str) -> dict[str, str | None]:
    """Return the variables of a home, as Windows sets them."""
    told = (path, f"{path}\\AppData\\Roaming", f"{path}\\AppData\\Local")
    return dict.fromkeys(OF_HOME) | dict(zip(OF_HOME, told, strict=False))


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("kind", ["blank", "none", "unwritable", "long"])
def test_every_program_works_or_says_in_one_line_why_not(
    windows, cloud, tmp_path, kind
):
    said = cloud.environment("env-keys") | PATIENT
    variables = {
        n: v
        for n, v in said.items()
        if not n.startswith(("XDG", "DOCKCRED_CACHE", "DOCKER"))
    }
    variables |= _home(kind, windows, tmp_path) | {"DOCKCRED_STORE": "wincred"}
    login = '{"ServerURL": "homes.example", "Username": "u", "Secret": "s"}'
    first, again, stored, told, erased, doctor, configured, *others = windows.many(
        [
            Case(ECR, ("get",), ECR_HOST, variables),
            Case(ECR, ("get",), ECR_HOST, variables),
            Case(KEYRING, ("store",), login, variables),
            Case(KEYRING, ("get",), "homes.example", variables),
            Case(KEYRING, ("erase",), "homes.example", variables),
            Case("dockcred", ("doctor",), "", variables),
            Case("dockcred", ("configure", "docker", "--all"), "", variables),
            *(
                Case("dockcred", tuple(words.split()), "", variables)
                for words in (OTHERS if kind == "none" else ())
            ),
        ]
    )
    keeps = kind in {"blank", "long"}
    assert [each.status for each in (first, again, stored, told, erased)] == [0] * 5
    assert cloud.calls[ECR_CALL] == (1 if keeps else 2)
    assert (first.stdout == again.stdout) == keeps
    assert told.password == "s"
    assert b"docker: " in doctor.stdout
    if kind == "blank":
        assert (tmp_path / BLANK / ".docker/config.json").exists(), configured
    else:
        assert (configured.status, configured.stdout) == (1, b""), configured
    for answer in (first, again, stored, told, erased, doctor, configured):
        assert b"Traceback" not in answer.stdout + answer.stderr
    for answer in others:
        assert (answer.status, answer.stdout) == (1, b""), answer
        assert answer.stderr.startswith(b"dockcred: USERPROFILE is not set"), answer
        assert answer.stderr.count(b"\n") == 1, answer
    # configure has one more line: the helper is not on PATH.
    assert configured.stderr.count(b"\n") <= 2
    assert {e.stderr.count(b"\n") for e in (first, again, stored, told)} <= {0, 1}


def test_helms_file_is_found_where_helm_looks_for_it(windows, tmp_path):
    """helm's own library agrees under Wine: %APPDATA% first, then docker's file."""
    variables = PATIENT | home_at(windows.path(tmp_path))
    variables |= {"XDG_CONFIG_HOME": None, "DOCKER_CONFIG": None}
    helms = "AppData/Roaming/helm/registry/config.json"
    for place, auth in (
        (helms, "aGVsbTpw"),
        (".config/helm/registry/config.json", "bm9ib2R5OnA="),
        (".docker/config.json", "ZG9ja2VyOnA="),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.write_text(f'{{"auths": {{"ghcr.io": {{"auth": "{auth}"}}}}}}')
    doctor = Case("dockcred", ("doctor", "--client", "helm", "ghcr.io"), "", variables)
    (first,) = windows.many([doctor])
    (tmp_path / helms).unlink()
    (then,) = windows.many([doctor])
    assert b"helm shows ghcr.io the user helm;" in first.stdout, first
    assert b"helm shows ghcr.io the user docker;" in then.stdout, then
