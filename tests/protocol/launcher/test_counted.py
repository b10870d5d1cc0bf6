"""The launcher's shell part counts nothing: if metrics are on, Python answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.figures import Figures
from support.program import HOST


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "collector"


def test_a_hit_is_counted_by_python(launched, primed, directory):
    environment = primed.environment
    assert not launched(HOST.encode(), environment).by_python
    counting = environment | {"DOCKCRED_METRICS": str(directory)}
    answer = launched(HOST.encode(), counting)
    assert answer.by_python
    assert answer.stdout == primed.answer
    assert Figures.of(directory)("cache_hits_total", provider="ecr") == 1


def test_so_it_is_where_config_toml_says_so(launched, cloud, directory):
    """No ticket is written, so the shell part cannot answer."""
    environment = dict(cloud.environment("env-keys"))
    file = Path(environment["HOME"], ".config/dockcred/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text(f'metrics = "{directory}"\n')
    answers = [launched(HOST.encode(), environment) for _ in range(3)]
    assert {(each.by_python, each.status) for each in answers} == {(True, 0)}
    assert Figures.of(directory)("cache_hits_total") == 2


def test_without_that_line_sh_answers_under_the_same_file(launched, cloud):
    """Otherwise the test above could not fail."""
    environment = dict(cloud.environment("env-keys"))
    file = Path(environment["HOME"], ".config/dockcred/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text('login = "refuse"\n')
    answers = [launched(HOST.encode(), environment) for _ in range(3)]
    assert not answers[-1].by_python
