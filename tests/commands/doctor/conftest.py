"""Fixtures of tests/real, with real clients and a real registry, for the doctor."""

from real.conftest import (  # noqa: F401 - fixtures
    account,
    cloud,
    helper_bin,
    identities,
    image,
    layer,
    liars,
    world,
)
