"""One line of JSON on stderr for each thing that happened; never a secret.

What callers send is cut and escaped: a line of theirs cannot become a line of ours.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

MAX_CHARACTERS = 300
_LOG = logging.getLogger("dockcred.token_service")


def info(event: str, **fields: Any) -> None:
    """Tell what went as it should."""
    _LOG.info(event, extra={"fields": fields})


def warning(event: str, **fields: Any) -> None:
    """Tell what was refused, or what somebody should look at."""
    _LOG.warning(event, extra={"fields": fields})


def failure(event: str, error: BaseException) -> None:
    """Tell a failure of ours, by its type and place: its text may hold anything."""
    _LOG.error(event, exc_info=error)


def open_on_stderr(level: str) -> None:
    """Send every line of this process there, the server library's own too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Where stderr is a pipe that nobody reads any more, say so to nobody.
    logging.raiseExceptions = False


class _Line(logging.Formatter):
    """Formats a record as one object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage()[:MAX_CHARACTERS].strip(),
        }
        fields = getattr(record, "fields", {})
        line |= {name: _bounded(value) for name, value in fields.items() if value}
        if record.exc_info:
            line["error"] = _place(record.exc_info[1])
        return json.dumps(line)


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_CHARACTERS]
    if isinstance(value, list | tuple):
        return [_bounded(item) for item in value]
    return value


def _place(error: BaseException | None) -> str:
    """Name an exception's type and the line that raised it."""
    trace = error.__traceback__ if error else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    name = type(error).__name__
    if trace is None:
        return name
    return f"{name} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
