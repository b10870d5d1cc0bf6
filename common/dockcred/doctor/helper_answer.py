"""What the helper says when it is asked as the client asks it."""

from __future__ import annotations

import os

from dockcred.doctor import helpers_on_path
from dockcred.doctor.finding import error, fine, note
from dockcred.lookup import auths, helper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from dockcred.credential import Credential
    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding

STEP = "answer"


def check(
    case: Case, file: str, key: str, *, is_last: bool = True
) -> Generator[Finding, None, Credential | None]:
    """Run the helper; answer its credential, None where it has given none.

    `is_last` tells that the client asks nobody after it.
    """
    answer = helper.ask(file, key, case.environment, case.timeout_s)
    name = os.path.basename(file)
    if answer.problem:
        yield _failed(file, f"{name} fails: {answer.problem}", case)
    elif answer.credential is None:
        then = "goes on anonymously" if is_last else "asks the next"
        text = f"{name} has no credential for {key}: the client {then}"
        if not case.needs_credential or not is_last:
            yield note(STEP, text)
        elif other := helpers_on_path.shadowed(file, case.path):
            yield _instead(text, file, other)
        else:
            yield error(STEP, text, remedy="name the helper that serves this registry")
    else:
        took = f"{answer.seconds * 1000:.0f} ms"
        yield fine(STEP, f"the user {answer.credential.username}, after {took}")
        if answer.credential.username == auths.TOKEN:
            yield note(STEP, "an identity token: Nomad and Kubernetes cannot use it")
    return answer.credential


def _failed(file: str, text: str, case: Case) -> Finding:
    if other := helpers_on_path.shadowed(file, case.path):
        return _instead(text, file, other)
    cause, _, remedy = text.partition("; ")
    return error(STEP, cause, remedy)


def _instead(text: str, file: str, other: str) -> Finding:
    return error(
        STEP,
        f"{text} ({file} shadows {other})",
        fix=helpers_on_path.aside(file),
    )
