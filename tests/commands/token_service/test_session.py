"""Run the documentation page's commands as they are written, and check the output."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.documents import ROOT, agrees, blocks
from support.program import BUSY_S

from dockcred.commands.token_service import settings_file

PAGE = ROOT / "docs/token-service.md"
BLOCKS = [block for block in blocks("console") if block.page == PAGE]


@pytest.fixture
def variables(helper_bin: Path, tmp_path: Path) -> Mapping[str, str]:
    path = f"{helper_bin}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(tmp_path), "COLUMNS": "300"}


def test_the_page_does_what_it_shows(variables: Mapping[str, str], tmp_path: Path):
    commands = [step for block in BLOCKS for step in block.steps()]
    assert len(commands) == 5
    for command, shown in commands:
        if "--issuer" in command:
            assert starts_and_stops(command, variables, tmp_path) == 0
            continue
        done = subprocess.run(
            ["sh", "-c", command],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert agrees(shown, done.stdout), done.stdout


def starts_and_stops(
    command: str,
    variables: Mapping[str, str],
    place: Path,
    stop: signal.Signals = signal.SIGTERM,
) -> int:
    """Start a service, stop it when it listens, and return its exit code."""
    with subprocess.Popen(
        ["sh", "-c", f"exec {command} --listen 127.0.0.1:0"],
        env=variables,
        cwd=place,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        line = json.loads(process.stderr.readline())
        assert line["event"] == "listening", line
        process.send_signal(stop)
        rest = process.stderr.read()
        assert "Traceback" not in rest, rest
        assert json.loads(rest.splitlines()[-1])["event"] == "stopped", rest
        return process.wait(BUSY_S)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_as_it_is_told(variables: Mapping[str, str], tmp_path: Path, stop):
    """Also by Ctrl-C: no traceback, and exit code 0."""
    command = "dockcred token-service --issuer https://x.example --audience y"
    command = f"{command} --keys {tmp_path}/keys --allow-anonymous 'public/*'"
    assert starts_and_stops(command, variables, tmp_path, stop) == 0


def test_the_pages_configuration_is_a_good_one():
    for block in blocks("toml"):
        if block.page == PAGE:
            found = settings_file.parse(block.text, "/keys")
            assert len(found.rules) == 4
            assert not list(found.warnings())
            assert tomllib.loads(block.text)["life"] == found.life_s


RULE = ("--issuer", "https://x.example", "--audience", "a")
SAYS = {
    "nothing to go by": ((), "nobody is believed yet; give --config"),
    "two configurations": (("--config", "c.toml", *RULE), "two configurations"),
    "no audience": (("--issuer", "https://x.example"), "give --issuer and --audience"),
    "no issuer": (("--allow", "a:pull"), "give --issuer and --audience"),
    "rules beside a file": (
        ("--config", "c.toml", "--allow", "a:push"),
        "two configurations",
    ),
    "no such file": (("--config", "missing.toml"), "missing.toml: No such file"),
    "a directory": (("--config", "."), "Is a directory"),
    "a file of nonsense": (("--config", "nonsense.toml"), "is not UTF-8"),
    "a file for all to write": (("--config", "open.toml"), "others can write it"),
    "a rule that is none": ((*RULE, "--allow", "x"), "is not a rule"),
    "a world": ((*RULE, "--listen", "0.0.0.0:0"), "in clear"),
    "half of TLS": ((*RULE, "--tls-key", "k.pem"), "one is missing"),
    "no certificate": (
        (*RULE, "--tls-key", "nonsense.toml", "--tls-certificate", "nonsense.toml"),
        "cannot be read",
    ),
    "no address": ((*RULE, "--listen", "here"), "is not an address"),
    "no port": ((*RULE, "--listen", "127.0.0.1:99999"), "is not an address"),
    "no host": ((*RULE, "--listen", "no.such.host.invalid:80"), "in clear"),
    "an unwritable place": ((*RULE, "--keys", "/proc/keys"), "/proc/keys"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "nonsense.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "open.toml").write_text('service = "x"\n')
    (tmp_path / "open.toml").chmod(0o666)
    return tmp_path


@pytest.mark.parametrize("what", SAYS)
def test_a_mistake_is_one_line(
    what: str, variables: Mapping[str, str], helper_bin: Path, place: Path
):
    arguments, said = SAYS[what]
    if "--keys" not in arguments:
        arguments += ("--keys", "keys")
    done = refused(arguments, variables, helper_bin, place)
    assert said in done.stderr


def run(
    arguments, variables, helper_bin: Path, place: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(helper_bin / "dockcred"), "token-service", *arguments],
        env=variables,
        cwd=place,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )


def refused(
    arguments, variables, helper_bin: Path, place: Path
) -> subprocess.CompletedProcess[str]:
    done = run(arguments, variables, helper_bin, place)
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert done.stderr.startswith("dockcred: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done


def test_options_before_a_subcommand_are_refused(
    variables, helper_bin: Path, place: Path
):
    """If they were ignored, other keys than the named ones would be rotated."""
    # Even if the first option is ignored, the second keeps the system's keys safe.
    wrong = ("--keys", "k", "rotate", "--keys", "others")
    done = run(wrong, variables, helper_bin, place)
    assert done.returncode == 2
    assert "put the options behind rotate" in done.stderr


def test_an_address_that_is_taken(variables, helper_bin: Path, place: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        arguments = (*RULE, "--keys", "keys", "--listen", address)
        done = refused(arguments, variables, helper_bin, place)
    assert "cannot be listened on" in done.stderr


def test_check_says_what_each_rule_allows(variables, helper_bin: Path, place: Path):
    file = place / "good.toml"
    file.write_text(next(block.text for block in blocks("toml") if block.page == PAGE))
    done = run(("check", str(file)), variables, helper_bin, place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "github: pull,push team/app team/app/*",
        "github: pull team/**",
        "gitlab: delete,pull,push team/deployed",
        "everybody: pull public/*",
    ]


def test_a_rule_by_name_is_warned_of(
    variables: Mapping[str, str], helper_bin: Path, place: Path
):
    file = place / "warned.toml"
    file.write_text(
        'service = "r"\n[issuers.g]\naudience = "r"\n'
        'url = "https://token.actions.githubusercontent.com"\n'
        '[[rules]]\nissuer = "g"\nclaims = { repository = "octo/app" }\n'
        'repositories = "a"\nactions = "pull"\n'
    )
    done = run(("check", str(file)), variables, helper_bin, place)
    assert done.returncode == 0
    assert "another can take" in done.stderr


def test_tls_is_spoken(variables, helper_bin: Path, place: Path):
    import http.client
    import ssl

    import trustme

    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    made.private_key_pem.write_to_path(place / "key.pem")
    made.cert_chain_pems[0].write_to_path(place / "certificate.pem")
    authority.cert_pem.write_to_path(place / "ca.pem")
    os.chmod(place / "key.pem", 0o600)
    from support import token_service

    arguments = (*RULE, "--keys", f"{place}/keys", "--allow-anonymous", "public/*")
    tls = ("--tls-certificate", f"{place}/certificate.pem")
    tls += ("--tls-key", f"{place}/key.pem", "--listen", "0.0.0.0:0")
    with token_service.running(helper_bin, *arguments, *tls) as service:
        context = ssl.create_default_context(cafile=place / "ca.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        connection = http.client.HTTPSConnection(
            "localhost", service.port, context=context, timeout=BUSY_S
        )
        connection.request("GET", "/token?scope=repository:public/a:pull")
        cipher, _, _ = connection.sock.cipher()
        assert "GCM" in cipher or "CHACHA20" in cipher
        answer = connection.getresponse()
        assert json.loads(answer.read())["scope"] == "repository:public/a:pull"
        connection.close()


HIDDEN = (
    "import sys; sys.modules[{library!r}] = None; from dockcred.commands import main"
)


@pytest.mark.parametrize(
    "library", ["starlette", "uvicorn", "jwt", "prometheus_client"]
)
def test_without_the_extra_the_command_to_install_it_is_said(library: str, place: Path):
    """`dockcred --help` still lists the command."""
    start = HIDDEN.format(library=library)
    for arguments, status, said in (
        (["token-service", "keygen", "--keys", "k"], 1, "dockcred[token-service]"),
        (["--help"], 0, ""),
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"{start}; main({arguments})"],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
