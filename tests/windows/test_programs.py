"""Programs that ours start on Windows: clouds' tools as .cmd files, users' commands.

Each is in a directory whose name has a blank and an umlaut.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from support.differential import NIGHT

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.azure import programs

from .conftest import Case, Windows
from .test_helpers import ACR, ACR_HOST, ECR, ECR_HOST, GAR_HOST, GCR, OIDC, PATIENT

pytestmark = pytest.mark.slow

WORDS = ("two words", 'say "hi"', "ä", "back\\slash\\", "")
ARGUMENTS = '"two words" "say \\"hi\\"" ä back\\slash\\ ""'
"""The same arguments as a user types them, to be parsed as Windows does."""
PRINTS = f"""
import pathlib, sys
if tuple(sys.argv[1:]) != {WORDS!r}:
    sys.exit(f"not as they were written: {{sys.argv[1:]}}")
sys.stdout.write(pathlib.Path(__file__).with_suffix(".txt").read_text())
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "with blank ä"
    place.mkdir(mode=0o700)
    return place


def at_home(windows: Windows, cloud: Sandbox, identity: str) -> dict[str, str]:
    """Return the variables, with a home and its folders as Windows sets them."""
    home = windows.path(cloud.home / identity)
    folder = f"{home}\\Roaming ä"
    found = cloud.environment(identity) | PATIENT
    return found | {"USERPROFILE": home, "HOME": home, "APPDATA": folder}


def asked(windows: Windows, program: str, host: str, variables: dict) -> str:
    (answer,) = windows.many([Case(program, ("get",), host, variables)])
    assert (answer.status, answer.stderr) == (0, b""), answer
    return answer.password


@pytest.mark.parametrize(
    ("program", "identity"), [("az", "azure-cli"), ("pwsh", "azure-powershell")]
)
def test_a_login_at_azure_is_found_and_asked(windows, cloud, place, program, identity):
    python = windows.path(windows.interpreter)
    words = f'"{python}" -I -S -B "{windows.path(Path(programs.__file__))}" {program}'
    variables = at_home(windows, cloud, identity)
    (place / f"{program}.cmd").write_text(f"@{words} {cloud.url} %*\r\n")
    variables["PATH"] = f"{windows.path(place)};C:\\windows\\system32"
    assert asked(windows, ACR, ACR_HOST, variables)
    assert cloud.calls["entra:token:refresh_token"] == 1


PLAN = """
import sys
from dockcred.providers.acr import sources
from dockcred.system.environment import Environment
variables = {"AZURE_TOKEN_CREDENTIALS": "dev", "PATH": sys.argv[1]}
print(*sources.plan(Environment(variables)))
"""


@pytest.mark.parametrize("name", ["pwsh", "powershell", "other"])
def test_either_powershell_is_one_to_be_asked(windows, place, name):
    """azure-identity finds out which one runs, by words that Wine's cmd does not print.

    So the plan is looked at here, and no program is run.
    """
    (place / f"{name}.exe").touch()
    told = windows.python(PLAN, windows.path(place))
    found = [b"azure:powershell"] if name != "other" else []
    assert (told.status, told.stdout.split()) == (0, found), told


def test_gcloud_and_its_settings_are_found_and_asked(windows, cloud, place):
    variables = at_home(windows, cloud, "google-gcloud")
    home = cloud.home / "google-gcloud"
    (home / "Roaming ä").mkdir()
    (home / ".config/gcloud").rename(home / "Roaming ä/gcloud")
    script = (home / "bin/gcloud").read_text()
    answer = next(line for line in script.splitlines() if line.startswith("{"))
    (place / "answer").write_text(answer)
    (place / "gcloud.cmd").write_text('@type "%~dp0answer"\r\n')
    variables["PATH"] = f"{windows.path(place)};C:\\windows\\system32"
    given = json.loads(answer)["credential"]["access_token"]
    assert asked(windows, GCR, GAR_HOST, variables) == given


DIRECTORIES = """
import json, os, sys
from google.auth import _cloud_sdk
from dockcred.providers.google import hosts
from dockcred.system.environment import Environment

found = []
for variables in json.load(sys.stdin):
    for name in ("APPDATA", "CLOUDSDK_CONFIG"):
        os.environ.pop(name, None)
    os.environ |= variables
    theirs = _cloud_sdk.get_application_default_credentials_path()
    ours = hosts.adc_file(Environment(dict(os.environ)))
    found.append([os.path.normpath(ours), os.path.normpath(theirs)])
print(json.dumps(found))
"""


def test_the_login_for_applications_is_looked_for_where_google_auth_does(windows):
    cases = [
        {"APPDATA": "Z:\\home\\with blank ä"},
        {"APPDATA": "Z:\\a", "XDG_CONFIG_HOME": "Z:\\b"},
        {"APPDATA": "Z:\\a", "CLOUDSDK_CONFIG": "Z:\\c ä"},
    ]
    told = windows.python(DIRECTORIES, text=json.dumps(cases))
    assert told.status == 0, told
    assert all(ours == theirs for ours, theirs in json.loads(told.stdout)), told


def command(windows: Windows, place: Path, answer: str) -> str:
    """Return a command that prints an answer if it gets exactly its arguments."""
    (place / "prints.py").write_text(PRINTS, encoding="utf-8")
    (place / "prints.txt").write_text(answer)
    python = windows.path(windows.interpreter)
    return f'"{python}" "{windows.path(place / "prints.py")}" {ARGUMENTS}'


BOTOCORE = "import botocore.session as s; print(s.Session().get_credentials().token)"


def test_a_credential_process_is_run_as_botocore_runs_it(windows, cloud, place):
    variables = at_home(windows, cloud, "credential-process")
    script = (cloud.home / "credential-process/credential-process").read_text()
    keys = next(line for line in script.splitlines() if line.startswith("{"))
    process = command(windows, place, keys)
    config = place / "config"
    lines = f"[profile credential-process]\ncredential_process = {process}\n"
    config.write_text(lines, encoding="cp1252")
    variables["AWS_CONFIG_FILE"] = windows.path(config)
    theirs = windows.python(BOTOCORE, variables=variables)
    assert theirs.stdout.decode().strip() == json.loads(keys)["SessionToken"], theirs
    assert asked(windows, ECR, ECR_HOST, variables)


def test_the_program_that_prints_a_job_s_token_gets_its_words(windows, cloud, place):
    variables = at_home(windows, cloud, "ci-command")
    token = cloud.ci.generic.token(cloud.ci.audience)
    variables["DOCKCRED_OIDC_TOKEN_COMMAND"] = command(windows, place, token)
    assert asked(windows, OIDC, "registry.example.com", variables) == token


def test_a_command_of_slashes_is_run(windows, cloud, place):
    """Users write slashes: a backslash is an escape in TOML and in shells' quotes."""
    token = cloud.ci.generic.token(cloud.ci.audience)
    (place / "answer").write_text(token)
    slashes = place.with_name("slashes")
    place.rename(slashes)
    (slashes / "print.cmd").write_text('@type "%~dp0answer"\r\n')
    variables = at_home(windows, cloud, "ci-command")
    path = windows.path(slashes / "print.cmd").replace("\\", "/")
    variables["DOCKCRED_OIDC_TOKEN_COMMAND"] = path
    assert asked(windows, OIDC, "registry.example.com", variables) == token


SPLIT = """
import json, subprocess, sys
from botocore.compat import compat_shell_split
from dockcred import system

for words in json.load(sys.stdin):
    command = subprocess.list2cmdline(words)
    ours, theirs = system.words(command), compat_shell_split(command)
    assert ours == theirs == words, (command, ours, theirs)
assert system.words(" ") == []
"""


def test_a_command_is_read_as_programs_on_windows_read_it(windows):
    for seed in (1, random.randrange(2**32)):
        print("seed", seed)
        draw = random.Random(seed)
        cases = [
            [
                "Z:\\with blank ä\\x.exe",
                *(
                    "".join(draw.choices("aä \"\\\t'&%", k=draw.randrange(9)))
                    for _ in "abc"
                ),
            ]
            for _ in range(2000 if NIGHT else 200)
        ]
        told = windows.python(SPLIT, text=json.dumps(cases))
        assert told.status == 0, told.stderr.decode()
