"""Each broken set-up fails with its client; the doctor names it, and its fix works."""

from __future__ import annotations

import pytest
from real.clients import Account

from .broken import BROKEN, Broken
from .patient import Patient, admit


@pytest.fixture
def patient(account: Account, image: str) -> Patient:
    return admit(account, image)


@pytest.mark.parametrize("name", BROKEN)
def test_the_cause_is_named_and_the_printed_fix_mends_it(
    patient: Patient, name: str
) -> None:
    case: Broken = BROKEN[name]
    case.break_it(patient)
    client = patient.client(case.client)
    assert patient.sh(client).returncode != 0

    whose = "docker" if case.client.startswith("docker") else "podman"
    told = patient.doctor("--client", whose)
    assert told.returncode == 1, told.stdout + told.stderr
    assert told.stdout.startswith("\u2717 broken: "), told.stdout
    head = told.stdout.partition("\n\n")[0]
    assert case.cause in " ".join(head.split()), told.stdout
    assert patient.cloud["AWS_SECRET_ACCESS_KEY"] not in told.stdout

    fix = next(line for line in head.splitlines() if line.startswith("  run: "))
    fix = fix.removeprefix("  run: ")
    assert case.fix in fix
    fixed = patient.sh(f"{fix}\n{client}")
    assert fixed.returncode == 0, f"{fix}\n{fixed.stdout}{fixed.stderr}"
    # The next run has a new shell: there a fix of a variable has to be repeated.
    last = fix.rpartition(" && ")[2]
    variables = last if last.startswith(("export", "unset")) else ""
    again = patient.doctor("--client", whose, before=f"{variables}\n")
    assert again.returncode == 0, again.stdout
    assert again.stdout.startswith("\u2713 works: "), again.stdout
