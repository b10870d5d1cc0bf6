"""Plots: a world's main cloud, and the texts of its configuration files."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from . import names as registries

FILES = ("system", "xdg one", "xdg two", "home one", "home two", "named")
FILES_OF_DIRECTORIES = ("cwd one", "cwd two")


@dataclass(frozen=True)
class Plot:
    """A main cloud, texts for files, and the first text of each file (-1: none)."""

    cloud: registries.Cloud
    texts: list[str]
    first: dict[str, int]


def entries_of(cloud: registries.Cloud) -> st.SearchStrategy[registries.Entry]:
    settings = cloud.settings * 3 + registries.BY_SDK[cloud.provider]
    return st.tuples(st.sampled_from(cloud.matches), st.sampled_from(settings))


def configurations(cloud: registries.Cloud) -> st.SearchStrategy[str]:
    entries = st.lists(
        entries_of(cloud), min_size=1, max_size=3, unique_by=lambda entry: entry[0]
    )
    return entries.map(lambda found: registries.text_of(tuple(found)))


def plots(cloud: registries.Cloud) -> st.SearchStrategy[Plot]:
    """Choose three texts for the files, and the text that each file has at first."""
    texts = st.lists(configurations(cloud), min_size=3, max_size=3)
    first = st.fixed_dictionaries(
        {name: st.integers(-1, 2) for name in (*FILES, *FILES_OF_DIRECTORIES)}
    )
    return st.builds(Plot, st.just(cloud), texts, first)
