"""Every provider keeps the contract that dockcred.testing ships."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.program import with_system_path

from dockcred import wiring
from dockcred.system.environment import Environment
from dockcred.testing.provider_contract import BEHAVIOURS, Subject
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.sandbox import CLOUDS

SUBJECTS = {cloud.subject.provider: cloud.subject for cloud in CLOUDS}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


def test_every_provider_has_another_end() -> None:
    missing = set(wiring.PROVIDERS) - set(SUBJECTS)
    assert not missing, f"no cloud of the sandbox has a subject for {missing}"


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
def test_every_provider_keeps_the_contract(behaviour, name, cloud) -> None:
    subject = SUBJECTS[name]
    behaviour(
        Subject(
            lambda: wiring.provider(name, *subject.hosts),
            subject.hosts,
            Environment(with_system_path(cloud.environment(subject.nobody))),
            Environment(cloud.environment(subject.somebody)),
        )
    )
