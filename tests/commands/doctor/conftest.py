"""The world of tests/real, where clients and registry are real, for the doctor too."""

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
