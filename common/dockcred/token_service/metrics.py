"""What Prometheus reads at /metrics; no label holds what a caller can choose."""

from __future__ import annotations

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
