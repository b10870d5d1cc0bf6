"""Read metrics in Prometheus' text format, with its own client library."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families


class Figures:
    """All samples of a text. A call sums those of one name that have some labels."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    @classmethod
    def of(cls, directory: Path) -> Figures:
        """Read all *.prom files of a directory, as node_exporter does."""
        files = sorted(directory.glob("*.prom"))
        return cls("".join(path.read_text() for path in files))

    def __call__(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == f"dockcred_{name}"
            and labels.items() <= sample.labels.items()
        )

    @property
    def labels(self) -> set[str]:
        """Return every value of every label, except the bounds of buckets (le)."""
        return {
            value
            for sample in self._samples
            for label, value in sample.labels.items()
            if label != "le"
        }
