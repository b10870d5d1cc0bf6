"""Run a real Prometheus and a real node_exporter on the loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.program import BUSY_S, wait_until
from support.real import program


class Prometheus:
    """A running Prometheus, which scrapes every second, and its query API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **parameters: str) -> dict:
        words = urllib.parse.urlencode(parameters)
        url = f"{self._url}/api/v1/{path}?{words}"
        with urllib.request.urlopen(url, timeout=BUSY_S) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def query(self, text: str) -> list[tuple[dict[str, str], float]]:
        """Return the result of a query now: the labels and the value of each series."""
        found = self.get("query", query=text)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def value(self, text: str) -> float | None:
        """Return the only value of a query's result, None if the result is empty."""
        found = self.query(text)
        assert len(found) <= 1, found
        return found[0][1] if found else None


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextmanager
def running(
    place: Path, textfiles: Path, others: list[int], rules: Path
) -> Iterator[Prometheus]:
    """Scrape node_exporter, which reads `textfiles`, and the ports in `others`.

    `place` gets configuration, data and logs; `rules` is a file of rules. Both programs
    run until the block ends.
    """
    node, own = free_port(), free_port()
    targets = [f"127.0.0.1:{port}" for port in (node, *others)]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": "dockcred", "static_configs": [{"targets": targets}]}
        ],
    }
    (place / "prometheus.yml").write_text(json.dumps(config))  # YAML, too
    exporter = [
        *(program("prometheus-node-exporter"), "--collector.disable-defaults"),
        *("--collector.textfile", f"--collector.textfile.directory={textfiles}"),
        f"--web.listen-address=127.0.0.1:{node}",
    ]
    server = [
        *(program("prometheus"), f"--config.file={place}/prometheus.yml"),
        f"--storage.tsdb.path={place}/data",
        f"--web.listen-address=127.0.0.1:{own}",
        "--log.level=warn",
    ]
    with ExitStack() as stack:
        for name, command in {"exporter": exporter, "server": server}.items():
            log = stack.enter_context((place / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                command,
                cwd=place,
                env={"PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait, 20)
            stack.callback(process.kill)
        found = Prometheus(f"http://127.0.0.1:{own}")

        def all_up() -> bool:
            try:
                return found.value("sum(up)") == len(targets)
            except OSError:
                return False

        wait_until(all_up)
        yield found
