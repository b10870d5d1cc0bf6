"""The calls of PowerShell's completion script: words in, JSON in ASCII out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Case
from .test_helpers import PATIENT
from .test_homes import BLANK, home_at

pytestmark = pytest.mark.slow

ASKED = {
    ("confi",): ["configure"],
    ("get", "KNOWN.example:5"): ["known.example:5000"],
    ("configure", "docker", "--helper=ecr"): ["--helper=ecr-login"],
    ("configure", "identity", "--profile", "'od"): ["'odd@one'"],
    ("completion", "power"): ["powershell"],
}


def test_words_options_hosts_and_odd_names_come_back_as_they_are_typed(
    windows, tmp_path: Path
):
    home = tmp_path / BLANK
    for name, text in (
        (".docker/config.json", '{"credHelpers": {"known.example:5000": "auto"}}'),
        (".aws/config", "[profile odd@one]\nregion = eu-west-1\n"),
    ):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(text, encoding="utf-8")
    variables = PATIENT | home_at(windows.path(home))
    variables |= {"DOCKER_CONFIG": None, "AWS_CONFIG_FILE": None}
    asking = {"_DOCKCRED_COMPLETE": "powershell_complete"}
    told = windows.many(
        [
            Case("dockcred", (), "", variables | asking | {"COMP_WORDS": text})
            for text in ("\n".join(("dockcred", *words)) for words in ASKED)
        ]
    )
    for (words, texts), answer in zip(ASKED.items(), told, strict=True):
        assert (answer.status, answer.stderr) == (0, b""), (words, answer)
        assert answer.stdout.isascii()
        assert [each["text"] for each in json.loads(answer.stdout)] == texts, words
