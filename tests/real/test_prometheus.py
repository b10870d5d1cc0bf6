"""A real Prometheus collects the metrics; alerts and dashboard find them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from support import kubelet, prometheus
from support.program import BUSY_S, HOST, Program, wait_until
from support.real import program

from dockcred.testing.sandbox import Sandbox

METRICS = Path(__file__).parents[2] / "packaging/kubernetes/metrics"
ALERTS = METRICS / "alerts.yaml"
DASHBOARD = json.loads((METRICS / "dashboard.json").read_text())
QUERIES = [
    (panel["title"], target["expr"])
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]
PAGE = (METRICS.parents[2] / "docs/metrics.md").read_text()
RULES = [
    rule
    for group in yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]
]


def promtool(*words: str, stdin: str = "") -> str:
    done = subprocess.run(
        [program("promtool"), *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def counter(name: str, rate: str, **labels: str) -> dict[str, str]:
    """Return a series that begins at 0 and grows by `rate` in each minute."""
    more = {"uid": "0", "program": "p", "provider": "ecr", "instance": "n"} | labels
    words = ",".join(f'{label}="{value}"' for label, value in more.items())
    return {"series": f"dockcred_{name}{{{words}}}", "values": f"0+{rate}x60"}


CALM = [
    counter("gets_total", "100", result="answered"),
    counter("gets_total", "10", result="failed"),
    counter("failures_total", "0", cause="refused"),
    counter("failures_total", "10", cause="unreachable"),
    counter("throttles_total", "30"),
    counter("mint_seconds_bucket", "99", le="1"),
    counter("mint_seconds_bucket", "100", le="+Inf"),
    counter("refresh_problems_total", "0"),
    {"series": "dockcred_refresh_first_end_timestamp_seconds", "values": "9000+0x60"},
]
FIRING = {
    "DockcredRequestsFail": [
        counter("gets_total", "1", result="failed"),
        counter("gets_total", "0", result="answered"),
    ],
    "DockcredIdentityRefused": [counter("failures_total", "1", cause="ended")],
    "DockcredThrottled": [counter("throttles_total", "120")],
    "DockcredMintsSlow": [
        counter("mint_seconds_bucket", "1", le="5"),
        counter("mint_seconds_bucket", "2", le="10"),
        counter("mint_seconds_bucket", "2", le="+Inf"),
    ],
    "DockcredRefreshEndsSoon": [
        {"series": "dockcred_refresh_first_end_timestamp_seconds", "values": "2900x60"}
    ],
    "DockcredRefreshProblems": [counter("refresh_problems_total", "1")],
}


def test_promtool_takes_the_rules():
    assert f"SUCCESS: {len(RULES)} rules found" in promtool(
        "check", "rules", str(ALERTS)
    )


@pytest.mark.parametrize("name", ["", *FIRING])
def test_an_alert_fires_on_its_own_series_and_on_no_others(name, tmp_path):
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1}] if name else []
    test = {
        "interval": "1m",
        "input_series": FIRING.get(name, CALM),
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "40m",
                "exp_samples": expected,
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(ALERTS)],
                "evaluation_interval": "1m",
                "tests": [test],
            }
        )
    )
    promtool("test", "rules", str(file))


def test_every_alert_is_tried_and_told_of():
    assert {rule["alert"] for rule in RULES} == FIRING.keys()
    assert all(f"| `{rule['alert']}` |" in PAGE for rule in RULES)


@pytest.fixture
def cloud():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.slow
def test_a_real_prometheus_answers_with_what_has_happened(
    ecr, helper_bin, cloud, tmp_path
):
    directory = tmp_path / "collector"
    directory.mkdir()
    counting = cloud.environment("env-keys") | {"DOCKCRED_METRICS": str(directory)}
    plugin = Program(str(helper_bin / "dockcred-credential-provider"))
    targets = tmp_path / "refresh.toml"
    targets.write_text(
        f'[[target]]\nformat = "docker-config"\nregistries = ["{HOST}"]\n'
        f'file = "{tmp_path}/config.json"\n'
    )
    port = prometheus.free_port()
    refresh = Program(str(helper_bin / "dockcred")).start(
        *("refresh", "--metrics", f"127.0.0.1:{port}", str(targets)),
        environment=cloud.environment("env-keys") | {"DOCKCRED_CACHE": "off"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask() -> None:
        assert ecr.get(counting).status == 0
        asked = plugin(
            environment=counting | {"DOCKCRED_CACHE": "off"}, stdin=kubelet.request()
        )
        assert kubelet.password(asked)
        cloud.fail("ecr:throttle:1")
        assert ecr.get(counting | {"DOCKCRED_CACHE": "off"}).status == 0
        cloud.fail("ecr:access-denied:1")
        assert ecr.get(counting | {"DOCKCRED_CACHE": "off"}).status == 1

    try:
        wait_until((tmp_path / "config.json").exists)
        ask()
        with prometheus.running(tmp_path, directory, [port], ALERTS) as server:
            helper = 'program="docker-credential-ecr-login"'
            wait_until(lambda: server.value("sum(dockcred_mints_total)") == 4)
            ask()
            ask()
            for query, value in {
                f"sum(dockcred_cache_hits_total{{{helper}}})": 2,
                f"sum(dockcred_mints_total{{{helper}}})": 4,
                'sum(dockcred_mints_total{program="dockcred-credential-provider"})': 3,
                'sum(dockcred_mints_total{program="dockcred-refresh"})': 1,
                "sum(dockcred_throttles_total)": 3,
                'sum(dockcred_failures_total{cause="refused"})': 3,
                "sum(dockcred_failures_total)": 3,
                'sum(dockcred_gets_total{result="answered"})': 10,
                'sum(dockcred_gets_total{result="failed"})': 3,
                "sum(dockcred_mint_seconds_count)": 11,
                'sum(dockcred_mint_seconds_bucket{le="+Inf"})': 11,
                "sum(dockcred_refresh_writes_total)": 1,
                "sum(node_textfile_scrape_error)": 0,
            }.items():
                wait_until(lambda q=query, v=value: server.value(q) == v)
            for title, query in QUERIES:
                asked = query.replace("$__rate_interval", "1m")
                assert wait_until(lambda q=asked: server.query(q)), title
            rules = [
                rule
                for group in server.get("rules")["groups"]
                for rule in group["rules"]
            ]
            assert {(rule["name"], rule["health"]) for rule in rules} == {
                (name, "ok") for name in FIRING
            }
    finally:
        refresh.terminate()
        assert refresh.wait(BUSY_S) == 0
    for path in directory.glob("*.prom"):
        assert promtool("check", "metrics", stdin=path.read_text()) == ""
