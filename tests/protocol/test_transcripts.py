"""The protocol as transcripts, run against the installed program."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import transcript

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))

ROWS = {
    *(f"A{number}" for number in range(1, 9)),
    *(f"A{number}" for number in range(10, 18)),
    *(f"A{number}" for number in range(20, 28)),
    *(f"A{number}" for number in range(30, 43)),
    *(f"A{number}" for number in range(50, 55)),
    *(f"A{number}" for number in range(60, 66)),
    *(f"A.10-{number}" for number in range(1, 15)),
}
SHOWN_ELSEWHERE = {
    "A.10-3": "test_streams.py: stdin is drained on every path",
    "A.10-4": "test_streams.py: list and version do not wait",
    "A.10-11": "tests/failures: every failure within the time bound",
    "A.10-14": "test_streams.py: the program is an executable file of that name",
}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path, ecr, cloud):
    """The program's output and exit code are those of the transcript, byte for byte."""
    session = transcript.read(path)
    environment = cloud.environment(session.identity) | session.variables
    for failure in session.failures:
        cloud.fail(failure)
    assert session.calls, "a transcript without a call shows nothing"
    for call in session.calls:
        assert call.words[0] == "docker-credential-ecr-login"
        answer = ecr(*call.words[1:], environment=environment, stdin=call.stdin)
        assert call.agrees(answer.status, answer.stdout, answer.stderr), (call, answer)
    if session.asked is not None:
        assert cloud.calls.total() == session.asked, cloud.calls


def test_every_row_of_the_protocol_is_shown():
    """Each row of A.1 to A.6 and A.10 is in a transcript's title or SHOWN_ELSEWHERE."""
    shown = set().union(*(transcript.read(path).rows for path in TRANSCRIPTS))
    assert shown | SHOWN_ELSEWHERE.keys() == ROWS


def test_a_transcript_that_differs_in_one_byte_fails():
    """The comparison itself can fail: by a missing line end as well as by a blank."""
    assert transcript.agrees("a.b <version>\n", b"a.b 0.1.0\n")
    for printed in (b"a.b 0.1.0", b"a.b 0.1.0\n\n", b"axb 0.1.0\n", b" a.b 0.1.0\n"):
        assert not transcript.agrees("a.b <version>\n", printed)
