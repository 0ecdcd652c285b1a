"""Alerts ask for what is measured, each has its page, and what is committed is what the code says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.watch import write

ROOT = Path(__file__).parents[2]
WATCH, RUNBOOKS = ROOT / "deploy/watch", ROOT / "docs/runbooks"
NAMES = {
    name
    for each in write.measured()
    for name in (
        [f"{each.name}_{end}" for end in ("bucket", "sum", "count")] if each.kind == "histogram" else [each.name]
    )
}


def test_what_is_written_from_the_metrics_is_what_they_are():
    for path, text in write.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: make docs"


@pytest.mark.parametrize("alert", write.ALERTS, ids=lambda alert: alert.name)
def test_an_alert_asks_for_metrics_and_labels_that_there_are(alert: write.Alert):
    asked = re.findall(r"creditmesh_\w+|\bup\b", alert.expr)
    assert asked
    assert set(asked) <= NAMES | {"up"}
    labels = {label for each in write.measured() if each.name in asked for label in each.labels} | {"job"}
    said = {label.strip() for by in re.findall(r"by \(([^)]*)\)", alert.expr) for label in by.split(",")}
    said |= set(re.findall(r"(\w+)=~?\"", alert.expr))
    assert said <= labels


def test_every_alert_has_its_page_and_every_page_its_alert():
    assert {path.name for path in RUNBOOKS.glob("*.md")} == {write.page_of(alert) for alert in write.ALERTS}
    for alert in write.ALERTS:
        title, *_, over, over_zh = (RUNBOOKS / write.page_of(alert)).read_text(encoding="utf-8").strip().split("\n\n")
        assert title.startswith(f"# {alert.name} / ")
        assert over.startswith("**Over** when ")
        assert over_zh.startswith("**解除条件**：")


def test_the_dashboard_shows_every_metric():
    shown = {panel["description"] for panel in write.dashboard()["panels"]}
    assert shown == {each.name for each in write.measured()}


def test_prometheus_scrapes_every_process_under_the_name_that_rules_ask_for():
    config = yaml.safe_load((WATCH / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    services = yaml.safe_load((ROOT / "deploy/compose/node.yaml").read_text(encoding="utf-8"))["services"]
    (static,) = job["static_configs"]
    assert job["job_name"] == "creditmesh"
    assert {target.partition(":")[0] for target in static["targets"]} == services.keys() - {"postgres", "prepare"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")
@pytest.mark.parametrize("words", [("check", "rules", "rules.yaml"), ("test", "rules", "rules_test.yaml")])
def test_promtool_takes_the_rules_and_each_fires(words: tuple[str, ...]):
    line = [str(shutil.which("promtool")), *words]
    done = subprocess.run(line, cwd=WATCH, capture_output=True, text=True, check=False)  # noqa: S603 - a tool
    assert done.returncode == 0, done.stdout + done.stderr
