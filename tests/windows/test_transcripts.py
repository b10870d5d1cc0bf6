"""The protocol through the shims that pip makes: bytes, arguments and exit status."""

from __future__ import annotations

import json
import random
import tomllib
from contextlib import ExitStack

import pytest
from support import transcript
from support.differential import NIGHT
from support.program import Program

from dockcred.testing.sandbox import Sandbox

from .conftest import ROOT, Case
from .test_helpers import KEYRING, PATIENT

pytestmark = pytest.mark.slow

TRANSCRIPTS = {
    path.stem: path for path in (ROOT / "tests/protocol/transcripts").glob("*.txt")
}
ALWAYS = {
    "04-unknown-action",  # an argument that is empty
    "12-lines",
    "14-bom",
    "15-control-characters",
    "16-not-utf-8",
    "30-store-in-silence",
    "40-store-bom",
    "70-bare-environment",  # variables that are empty
}
"""Transcripts that are always tried: Windows treats these inputs in its own way."""
PLUGIN = "dockcred-credential-provider"
NO_KEYCHAIN = {"DOCKCRED_STORE": "no-such-store"}
DRAWN = len(TRANSCRIPTS) if NIGHT else 8
PROGRAMS = sorted(
    name
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "scripts"
    ]
    if name != "dockcred"
)


def test_a_transcript_is_what_the_program_says(windows):
    seed = random.randrange(2**32)
    print("seed", seed)
    others = sorted(TRANSCRIPTS.keys() - ALWAYS)
    drawn = random.Random(seed).sample(others, min(DRAWN, len(others)))
    sessions = {
        name: transcript.read(TRANSCRIPTS[name]) for name in sorted({*ALWAYS, *drawn})
    }
    with ExitStack() as stack:
        clouds, cases = {}, []
        for name, session in sessions.items():
            cloud = Sandbox(tls=True, fail=session.failures)
            clouds[name] = stack.enter_context(cloud)
            variables = cloud.environment(session.identity) | PATIENT
            cases += [
                Case(program, tuple(words), call.stdin, variables | session.variables)
                for call in session.calls
                for program, *words in [call.words]
            ]
        answers = iter(windows.many(cases))
        problems = []
        for name, session in sessions.items():
            for call, answer in zip(session.calls, answers, strict=False):
                if not call.agrees(answer.status, answer.stdout, answer.stderr):
                    problems.append(f"{name}: {call} {answer}")
            asked = clouds[name].calls.total()
            if session.asked not in {None, asked}:
                problems.append(f"{name}: {asked} calls")
    assert not problems, "\n".join(problems)


ASKED = (
    (("get",), "\ufeff https://registry.elsewhere.example/v2/\r\n"),
    (("store",), '{"ServerURL": "registry.elsewhere.example", "Secret": "\u00e9"}\r\n'),
    (("list",), ""),
    (("version",), ""),
    (("",), "registry.elsewhere.example"),
    (('a "b" \\',), ""),
    ((), ""),
)
"""Verbs, arguments that are quoted on Windows, and no argument."""


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_says_what_it_says_on_linux(windows, cloud, helper_bin, program):
    """On Linux other tests compare its output with docker's own code, row by row."""
    variables = cloud.environment("nothing") | PATIENT | NO_KEYCHAIN
    on_linux = Program(str(helper_bin / program))
    answers = windows.many(
        [Case(program, words, text, variables) for words, text in ASKED]
    )
    for (words, text), answer in zip(ASKED, answers, strict=True):
        told = on_linux(*words, environment=variables, stdin=text.encode())
        ours = (answer.status, answer.stdout, answer.stderr)
        assert ours == (told.status, told.stdout, told.stderr), (words, text)


KUBELET = {
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
    "kind": "CredentialProviderRequest",
    "image": "ghcr.io/acme/app:1",
}


def test_kubelet_is_answered_as_on_linux(windows, cloud, helper_bin):
    """The token is the password itself, so that both answers are equal."""
    variables = cloud.environment("github-gh-token") | PATIENT
    request = json.dumps(KUBELET)
    told = Program(str(helper_bin / PLUGIN))(
        environment=variables, stdin=request.encode()
    )
    answer = windows.run(PLUGIN, text=request, variables=variables)
    assert (answer.status, answer.stderr) == (told.status, told.stderr) == (0, b"")
    assert json.loads(answer.stdout) == json.loads(told.stdout)
    assert variables["GH_TOKEN"].encode() in answer.stdout


def test_a_store_of_another_system_is_refused_in_one_sentence(windows, cloud):
    variables = cloud.environment("nothing") | PATIENT
    names = ("osxkeychain", "secretservice", "kwallet", "pass")
    cases = [
        Case(KEYRING, ("get",), "foreign.invalid", variables | {"DOCKCRED_STORE": name})
        for name in names
    ]
    for name, answer in zip(names, windows.many(cases), strict=True):
        assert "unforeseen" not in answer.said, name
        assert "; " in answer.said, name
