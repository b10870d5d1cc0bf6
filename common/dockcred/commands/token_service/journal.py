"""What the token service tells: its log and its figures."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "dockcred_token_requests",
    "Requests for a token, by how they ended.",
    ["outcome"],
    registry=_REGISTRY,
)
SECONDS = Histogram(
    "dockcred_token_request_seconds",
    "How long requests for a token took.",
    registry=_REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ISSUER_FETCHES = Counter(
    "dockcred_issuer_fetches",
    "How often an issuer was asked for its keys.",
    ["issuer", "outcome"],
    registry=_REGISTRY,
)


def text() -> bytes:
    """Write them all in Prometheus' text format."""
    return generate_latest(_REGISTRY)


MAX_CHARACTERS = 300
_LOG = logging.getLogger("dockcred.commands.token_service")


def info(event: str, **fields: Any) -> None:
    """Log what went as it should."""
    _LOG.info(event, extra={"fields": fields})


def warning(event: str, **fields: Any) -> None:
    """Log what was refused, or what somebody should look at."""
    _LOG.warning(event, extra={"fields": fields})


def failure(event: str, error: BaseException) -> None:
    """Log a failure of ours by its type and place: its text may hold anything."""
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
    """Return the name of an exception's type and the line that raised it."""
    trace = error.__traceback__ if error else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    name = type(error).__name__
    if trace is None:
        return name
    return f"{name} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
