"""Questions to docker-credential-env, and its recorded answers.

Its Go module is on no module proxy, so a new machine cannot build it. Therefore its
answers are in answers_of_env.json, with its commit. If DOCKER_CREDENTIAL_ENV names the
program, tests also ask the program itself. To record the answers anew:

    DOCKER_CREDENTIAL_ENV=/path python -m tests.providers.secret.beside_env COMMIT
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from support.program import BUSY_S

PROGRAM = os.environ.get("DOCKER_CREDENTIAL_ENV", "")
RECORDED = Path(__file__).with_name("answers_of_env.json")
LABELS = (
    *("registry", "a", "team", "example", "com", "io", "x1"),
    *("my-corp", "x_y", "b-", "Docker"),
)
FORMS = ("{}", "{}", "https://{}", "https://{}/v2/", "{}:5000", "{}/team", "http://{}")
VALUES = ("me", "s3cr3t", "x y", "p:w", "")
Question = tuple[str, dict[str, str]]


def question(chance: random.Random) -> Question:
    """Return a server's URL, and variables for its host or for similar hosts."""
    labels = [chance.choice(LABELS) for _ in range(chance.randint(1, 4))]
    host = ".".join(labels)
    names = [
        *(host, host, host, host.lower()),
        *(".".join(labels[n:]) for n in range(1, len(labels) + 1)),
        "-".join(labels),
    ]
    variables = {}
    for name in chance.sample(names, chance.choice((0, 1, 1, 1, 2, 2))):
        stem = "DOCKER_" + name.replace("-", "_").replace(".", "_")
        for half in chance.choice((("_USR", "_PSW"),) * 4 + (("_USR",), ("_PSW",))):
            variables[stem + half] = chance.choice(VALUES)
    return chance.choice(FORMS).format(host), variables


def ask(url: str, variables: dict[str, str]) -> list[str]:
    """Return the program's user and secret; an empty list if the program fails."""
    done = subprocess.run(
        [PROGRAM, "get"],
        input=url.encode(),
        env=variables,
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    if done.returncode:
        return []
    found = json.loads(done.stdout)
    return [found["Username"], found["Secret"]]


def recorded() -> list[tuple[str, dict[str, str], list[str]]]:
    """Return the recorded questions with their answers."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))["answers"]


def record(commit: str, count: int = 400) -> None:
    """Ask `count` questions, and write the answers to RECORDED."""
    chance = random.Random(20_261_129)
    asked = [question(chance) for _ in range(count)]
    rows = [json.dumps([url, names, ask(url, names)]) for url, names in asked]
    text = ",\n".join(sorted(set(rows)))
    RECORDED.write_text(
        f'{{"program": "isometry/docker-credential-env", "commit": "{commit}",\n'
        f'"answers": [\n{text}\n]}}\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    record(sys.argv[1])
