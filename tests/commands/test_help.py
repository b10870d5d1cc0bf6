"""Help: whole sentences in sections, examples, suggestions for typos, completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.documents import ROOT
from support.program import HOST, Program, with_system_path

from dockcred.commands import COMMANDS, SECTIONS, main
from dockcred.commands.help import Choice, HelpfulGroup, complete_host
from dockcred.testing.sandbox import Sandbox

WIDTH = 80
TRANSCRIPT = (Path(__file__).parent / "help.txt").read_text()


def contexts(
    command: click.Command = main, parent: click.Context | None = None, name=""
):
    """Yield a click context for every command; its path is what one types."""
    context = click.Context(
        command,
        parent,
        name or "dockcred",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from contexts(command.get_command(context, below), context, below)


EVERY = {context.command_path: context for context in contexts()}


@pytest.fixture
def dockcred(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "dockcred"))


@pytest.fixture
def nobody(tmp_path: Path, helper_bin: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": str(helper_bin)}


def test_the_sections_name_every_command_with_its_own_summary() -> None:
    """SECTIONS repeats the summaries, so that help loads no command: compare them."""
    listed = {name: said for rows in SECTIONS.values() for name, said in rows.items()}
    assert listed.keys() == COMMANDS.keys()
    assert sum(map(len, SECTIONS.values())) == len(COMMANDS)
    context = EVERY["dockcred"]
    for name, said in listed.items():
        command = main.get_command(context, name)
        assert command.get_short_help_str(1000) == said


@pytest.mark.parametrize("path", EVERY)
def test_help_fits_80_columns_and_cuts_no_sentence(path: str) -> None:
    text = EVERY[path].command.get_help(EVERY[path])
    assert "..." not in text.replace("[ARGS]...", "").replace("]...", "").replace(
        "COMMAND...", ""
    ).replace("...]", "")
    # Examples keep their lines, so that they can be copied.
    said = text.partition("Examples:")[0]
    assert max(map(len, said.splitlines())) <= WIDTH


@pytest.mark.parametrize("path", EVERY)
def test_every_command_and_group_shows_an_example(path: str) -> None:
    _, _, shown = EVERY[path].command.get_help(EVERY[path]).partition("Examples:\n")
    assert path in shown or path == "dockcred"
    assert "dockcred" in shown


@pytest.mark.parametrize("path", EVERY)
def test_every_group_and_choice_knows_what_was_meant(path: str) -> None:
    command = EVERY[path].command
    assert isinstance(command, HelpfulGroup) == isinstance(command, click.Group)
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice):
            assert isinstance(parameter.type, Choice), parameter.name


def test_the_list_of_commands_is_the_transcript(dockcred, nobody) -> None:
    shown = dockcred("--help", environment=nobody | {"COLUMNS": "80"})
    text = shown.stdout.decode()
    assert text[text.index("For people") :] == TRANSCRIPT


@pytest.mark.skipif(
    not os.path.isdir("/usr/lib/python3/dist-packages/click"),
    reason="no click of Debian's",
)
def test_debian_s_click_shows_the_same(nobody) -> None:
    """Debian 12 has click 8.1.3: no choices of any type, and not all metavars."""
    start = "from dockcred.commands import main; main(prog_name='dockcred')"
    variables = nobody | {"PYTHONPATH": f"{ROOT}/common:{ROOT}/helpers"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/usr/bin/python3", "-c", start, *words],
            env=variables | {"COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=False,
        )

    text = run("--help").stdout
    assert text[text.index("For people") :] == TRANSCRIPT
    assert "Did you mean status?" in run("statsu").stderr
    assert "Did you mean bash?" in run("completion", "bsh").stderr


SLIPS = {
    ("statsu",): "Did you mean status?",
    ("token",): "Did you mean token-service?",
    ("vault", "creat"): "Did you mean create?",
    ("configure", "dokcer"): "Did you mean docker?",
    ("render", "docker-confg"): "Did you mean docker-config?",
    ("get", "--jsno", "x"): "Did you mean",
    ("check", "helmm", "x"): "Did you mean helm?",
    ("doctor", "--client", "podmna"): "Did you mean podman?",
    ("completion", "bsh"): "Did you mean bash?",
    ("import", "dockr"): "Did you mean docker?",
}


@pytest.mark.parametrize("words", SLIPS, ids=" ".join)
def test_a_slip_is_asked_what_it_was_meant_for(words, dockcred, nobody) -> None:
    answer = dockcred(*words, environment=nobody)
    assert answer.status == 2
    assert SLIPS[words] in answer.stderr.decode()


VALUES = {
    ("configure", "docker", "--all", "--helper", "ecr-logn"): "ecr-login",
    ("configure", "identity", "--registry", HOST, "--set", "profil=x"): "profile",
    ("install", "--programs", "docker-credential-gcrr"): "docker-credential-gcr",
    ("install", "--programs", "ghcr-login"): "docker-credential-ghcr-login",
    ("install", "--alias", "gcloud=gcrr"): "docker-credential-gcr",
    ("render", "env", "--registry", HOST, "--source", "identites"): "identities",
}


@pytest.mark.parametrize("words", VALUES, ids=" ".join)
def test_a_slip_of_a_name_is_asked_wherever_the_error_knows_the_names(
    words, dockcred, nobody
) -> None:
    answer = dockcred(*words, environment=nobody)
    assert answer.status == 1
    said = answer.stderr.decode()
    assert said.endswith(f". Did you mean {VALUES[words]}?\n"), said
    assert said.count("\n") == 1


def test_a_slip_in_a_file_of_ours_is_asked_too(dockcred, nobody, tmp_path) -> None:
    targets = tmp_path / "targets.toml"
    targets.write_text('[[target]]\nfile = "x"\nfrmat = "env"\n')
    answer = dockcred("refresh", "--once", str(targets), environment=nobody)
    assert "Did you mean format?" in answer.stderr.decode(), answer


@pytest.mark.parametrize("words", [("xyzzy",), ("completion", "q")], ids=" ".join)
def test_what_is_near_to_nothing_gets_no_guess(words, dockcred, nobody) -> None:
    answer = dockcred(*words, environment=nobody)
    assert answer.status == 2
    assert b"Did you mean" not in answer.stderr


def loaded(*words: str, **variables: str) -> set[str]:
    """Return the modules that a call of `dockcred` has loaded."""
    script = (
        "import sys, json\n"
        "from dockcred.commands import main\n"
        "try:\n    main(sys.argv[1:], prog_name='dockcred')\n"
        "except SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_loads_no_command_and_no_drawing(tmp_path) -> None:
    """So help takes 0.2 s; with all commands loaded it would take 0.5 s."""
    found = loaded("--help", HOME=str(tmp_path))
    assert not {name for name in found if name.startswith(("rich", "ssl", "tomlkit"))}
    ours = {name for name in found if name.startswith("dockcred.commands.")}
    assert ours == {"dockcred.commands.console", "dockcred.commands.help"}


def test_alone_it_loads_no_cloud_and_no_socket(tmp_path) -> None:
    found = loaded(HOME=str(tmp_path))
    assert not {name for name in found if name in {"ssl", "boto3", "botocore"}}


NEXT = {
    "nothing": (
        {},
        "no client asks our helpers yet",
        "dockcred setup",
    ),
    "a readable login": (
        {"auths": {"registry.example.com": {"auth": "bWU6c2VjcmV0"}}},
        "a login in",
        "dockcred setup",
    ),
    "a helper that is gone": (
        {"credsStore": "ecr-login"},
        "docker-credential-ecr-login, which is not on PATH",
        "dockcred install",
    ),
    "configured": (
        {"credsStore": "auto"},
        "docker asks our helpers",
        "dockcred doctor",
    ),
    "configured for a registry": (
        {"credHelpers": {HOST: "ecr-login"}},
        "1 registries are known",
        "dockcred status",
    ),
}


@pytest.mark.parametrize("case", NEXT)
def test_alone_it_says_the_next_step(case, dockcred, nobody, tmp_path) -> None:
    content, here, following = NEXT[case]
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps(content))
    if "gone" in case:
        nobody["PATH"] = str(tmp_path)
    answer = dockcred(environment=nobody)
    assert answer.status == 0, answer
    first, second, _ = answer.stdout.decode().splitlines()
    assert here in first
    assert second.startswith(f"next   {following}")


def completed(dockcred: Program, variables: dict[str, str], *words: str) -> list[str]:
    """Return the completions that bash's script gets for the last word."""
    asked = {
        "_DOCKCRED_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("dockcred", *words)),
        "COMP_CWORD": str(len(words)),
    }
    answer = dockcred(environment=variables | asked)
    assert (answer.status, answer.stderr) == (0, b""), answer
    lines = answer.stdout.decode().split()
    return [line.partition(",")[2] for line in lines]


@pytest.mark.parametrize(
    "words",
    [
        ("get", "12"),
        ("status", "12"),
        ("doctor", "12"),
        ("exec", "--registry", "12"),
        ("render", "env", "--registry", "12"),
        ("configure", "docker", "--registry", "12"),
    ],
    ids=" ".join,
)
def test_the_shell_completes_known_registries(words, dockcred, helper_bin) -> None:
    with Sandbox() as cloud:
        variables = with_system_path(cloud.environment("env-keys"))
        dockcred("get", HOST, environment=variables)
        cloud.reset()
        assert completed(dockcred, variables, *words) == [HOST]
        assert not cloud.calls


@pytest.mark.parametrize("path", EVERY)
def test_every_host_that_is_typed_can_be_completed(path: str) -> None:
    for parameter in EVERY[path].command.params:
        said = f"{parameter.name} {getattr(parameter, 'metavar', '')}".upper()
        if "HOST" in said.replace("HOST=FILE", "").replace("HOST:PORT", ""):
            completes = parameter._custom_shell_complete
            assert completes is complete_host, f"{path} {parameter.name}"


WORDS = {
    ("configure", "identity", "--profile", "d"): ["dev"],
    ("configure", "identity", "--set", "gcl"): ["gcloud_configuration="],
    ("render", "env", "--source", "id"): ["identities"],
    ("install", "--programs", "docker-credential-gc"): ["docker-credential-gcr"],
    ("configure", "docker", "--helper", "gc"): ["gcr"],
    ("doctor", "--client", "pod"): ["podman"],
}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_shell_completes_names(words, dockcred, nobody, tmp_path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[profile dev]\nregion = x\n[profile ops]\n")
    assert completed(dockcred, nobody, *words) == WORDS[words]


def test_completion_is_silent_about_a_broken_file(dockcred, nobody, tmp_path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[[registry")
    nobody["DOCKCRED_CONFIG"] = str(broken)
    assert completed(dockcred, nobody, "get", "x") == []
    assert "status" in completed(dockcred, nobody, "st")


def test_nobody_reads_a_traceback_while_he_types(monkeypatch) -> None:
    def survey(_variables: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("dockcred.commands.known.Survey", survey)
    assert complete_host(EVERY["dockcred get"], EVERY["dockcred get"], "x") == []


def test_a_section_without_commands_is_not_shown(monkeypatch) -> None:
    """The single-file program has neither the token service nor the sandbox."""
    monkeypatch.setattr(type(main), "list_commands", lambda *_: ["get", "exec"])
    text = main.get_help(EVERY["dockcred"])
    assert "For people" in text
    assert "For operators" not in text


def test_a_second_ctrl_c_at_its_end_shows_no_traceback() -> None:
    code = (
        "import os, signal, threading\n"
        "from dockcred.commands import main\n"
        "end = threading._shutdown\n"
        "def late():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    end()\n"
        "threading._shutdown = late\n"
        "main(prog_name='dockcred', args=['--version'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
