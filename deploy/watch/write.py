"""Write what watches a node, from its own metrics: alert rules, their tests, a dashboard, and the page of all metrics.

`python deploy/watch/write.py` (part of `make docs`). A test compares, and holds that each alert has its page in
`docs/runbooks` and asks for metrics that there are.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import creditmesh.chassis.host
import creditmesh.chassis.relay
import creditmesh.node.declaration  # noqa: F401 - what a node measures is registered where it is imported

HERE, DOCS = Path(__file__).parent, Path(__file__).parents[2] / "docs"
NOTE = "# Written by deploy/watch/write.py. Change it there.\n"
SOURCE = "https://example.invalid/creditmesh/docs/runbooks"
"""Stands for where the operator has these pages: say it, and write the rules anew."""


class Alert(NamedTuple):
    """When somebody is called, and why. `firing`: series by which it fires when they have stood long enough."""

    name: str
    expr: str
    after: str
    severity: Literal["critical", "warning"]
    says: str
    says_zh: str
    firing: tuple[tuple[str, str], ...]


ALERTS = (
    Alert("ProcessDown", 'up{job="creditmesh"} == 0', "2m", "critical",
          "A process of the node does not answer.", "节点的一个进程无应答。",
          (('up{job="creditmesh", instance="query:8081"}', "0x10"),)),
    Alert("RequestsFail",
          'sum(rate(creditmesh_requests_total{status=~"5.."}[5m])) / sum(rate(creditmesh_requests_total[5m])) > 0.02',
          "10m", "warning", "More than one request in fifty fails.", "请求失败率超过 2%。",
          (('creditmesh_requests_total{service="gateway", route="/v1/queries", status="503"}', "0+10x40"),
           ('creditmesh_requests_total{service="gateway", route="/v1/queries", status="200"}', "0+90x40"))),
    Alert("QueueOld", "max(creditmesh_bus_queue_age_seconds) > 30", "2m", "critical",
          "Events wait long for their number, though somebody orders them.",
          "事件等待编号的时间过长（排序进程在运行）。",
          (("creditmesh_bus_queue_age_seconds", "60x20"),)),
    Alert("ReaderBehind", "sum by (reader, stream) (creditmesh_bus_lag_events) > 50000", "15m", "warning",
          "A service is far behind the events of the node.", "某服务严重落后于本节点的事件。",
          (('creditmesh_bus_lag_events{reader="query", stream="ingestion"}', "60000x40"),)),
    Alert("DeadLetter", "sum by (reader, stream) (creditmesh_bus_dead_letters) > 0", "1m", "warning",
          "An event could not be applied, and what is of the same person waits behind it.",
          "有事件无法处理，同一主体的后续事件在其后等待。",
          (('creditmesh_bus_dead_letters{reader="query", stream="ingestion"}', "1x10"),)),
    Alert("PartStopped", "sum by (reader, stream) (creditmesh_bus_alarms) > 0", "1m", "critical",
          "A part of a stream stands still.", "某事件流的一个分区停滞。",
          (('creditmesh_bus_alarms{reader="query", stream="ingestion"}', "1x10"),)),
    Alert("EventsSetAside", "increase(creditmesh_bus_unordered_total[1h]) > 0", "0m", "critical",
          "Events were queued for a part that no stream has.", "有事件发往不存在的分区。",
          (("creditmesh_bus_unordered_total", "0 0 1x60"),)),
    Alert("NotPublished", "max by (stream) (creditmesh_bus_unpublished_events) > 10000", "10m", "warning",
          "Kafka does not get the node's events; readers take them from PostgreSQL.",
          "Kafka 未收到本节点的事件；各读取方改从 PostgreSQL 读取。",
          (('creditmesh_bus_unpublished_events{stream="ingestion"}', "20000x30"),)),
    Alert("FeedStopped", "max by (peer, feed) (creditmesh_feed_stopped) > 0", "1m", "critical",
          "The feed of a peer stands still until an operator has looked.",
          "对等节点的交换日志已停止，须由运维人员查看。",
          (('creditmesh_feed_stopped{peer="city", feed="up"}', "1x10"),)),
    Alert("FeedRefused", "max by (peer, feed) (creditmesh_feed_refused) > 0", "10m", "warning",
          "A peer refuses the next page of its feed, again and again.", "对等节点反复拒绝提供其交换日志的下一页。",
          (('creditmesh_feed_refused{peer="city", feed="up"}', "1x30"),)),
    Alert("FeedBehind", "max by (feed) (creditmesh_feed_behind) > 0", "1m", "critical",
          "Peers have verified more of a feed of this node than it has: its database was put back.",
          "对等节点所验证的本节点交换日志多于本节点所存：数据库曾被恢复。",
          (('creditmesh_feed_behind{feed="up"}', "1x10"),)),
    Alert("CatchingUp", "max by (peer) (creditmesh_feed_lagging_entries) > 0", "1h", "warning",
          "This node was restored, and shows no records until it has caught up.",
          "本节点经过恢复，追平之前不展示记录。",
          (('creditmesh_feed_lagging_entries{peer="city"}', "10x120"),)),
    Alert("NewerVersionNeeded", "max by (peer, feed) (creditmesh_feed_waiting_entries) > 0", "1d", "warning",
          "Entries of a peer wait for a newer version of this node.", "对等节点的部分条目须待本节点升级后处理。",
          (('creditmesh_feed_waiting_entries{peer="city", feed="up"}', "5x3000"),)),
    Alert("TokensRefused", 'increase(creditmesh_internal_tokens_refused_total{at="gateway"}[5m]) > 0', "0m", "critical",
          "A service refuses the gateway: a key or a clock is wrong.", "服务拒绝网关的令牌：密钥或时钟有误。",
          (('creditmesh_internal_tokens_refused_total{at="gateway", service="query", reason="unknown_key"}',
            "0 0 1x20"),)),
    Alert("UnitsRestart", "increase(creditmesh_unit_restarts_total[15m]) > 5", "0m", "warning",
          "Work of a process begins again and again: its database is lost to it.",
          "进程内的工作反复重新开始：其数据库连接不稳定。",
          (('creditmesh_unit_restarts_total{unit="orderer"}', "0+1x40"),)),
    Alert("RecordsUnreadable", "increase(creditmesh_unreadable_bodies_total[1h]) > 0", "0m", "critical",
          "Records were left out of answers because they cannot be read.", "有记录因无法读取而未列入答复。",
          (('creditmesh_unreadable_bodies_total{of="query"}', "0 0 1x60"),)),
)  # fmt: skip


class Measured(NamedTuple):
    """One metric of a node, as it is scraped."""

    name: str
    kind: str
    labels: tuple[str, ...]
    about: str


def measured() -> list[Measured]:
    """All of them, by their names."""
    found = {
        (each._name, each._type, each._labelnames, each._documentation)  # noqa: SLF001 - the library has no other way
        for each in REGISTRY._collector_to_names  # noqa: SLF001
        if isinstance(each, MetricWrapperBase) and each._name.startswith("creditmesh_")  # noqa: SLF001
    }
    return [Measured(f"{name}_total" if kind == "counter" else name, kind, tuple(labels), about)
            for name, kind, labels, about in sorted(found)]  # fmt: skip


def rules() -> Mapping[str, Any]:
    """The alert rules, as Prometheus takes them."""
    return {"groups": [{"name": "creditmesh", "rules": [_rule(each) for each in ALERTS]}]}


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": f"Creditmesh{alert.name}",
        "expr": alert.expr,
        "for": alert.after,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.says,
            "summary_zh": alert.says_zh,
            "runbook_url": f"{SOURCE}/{page_of(alert)}",
        },
    }


def page_of(alert: Alert) -> str:
    """The name of its page: ProcessDown is in process-down.md."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in alert.name).strip("-") + ".md"


def tests() -> Mapping[str, Any]:
    """That each fires when its series have stood long enough, and none by itself: for `promtool test rules`."""
    return {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in alert.firing],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="Creditmesh{alert.name}", alertstate="firing"}})',
                        "eval_time": when,
                        "exp_samples": samples,
                    }
                    for when, samples in (("0m", []), (_later(alert), [{"labels": "{}", "value": 1}]))
                ],
            }
            for alert in ALERTS
        ],
    }


def _later(alert: Alert) -> str:
    number, unit = int(alert.after[:-1]), alert.after[-1]
    return f"{number * {'m': 1, 'h': 60, 'd': 1440}[unit] + 6}m"


def dashboard() -> Mapping[str, Any]:
    """A Grafana dashboard: a panel for each metric, in the order of their names."""
    return {
        "title": "Creditmesh",
        "uid": "creditmesh",
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    for place, each in enumerate(measured()):
        by = f"sum by ({', '.join(each.labels)}) " if each.labels else "sum"
        match each.kind:
            case "counter":
                asked = f"{by}(rate({each.name}[5m]))"
            case "histogram":
                asked = (
                    f"histogram_quantile(0.99, sum by (le, {', '.join(each.labels)}) (rate({each.name}_bucket[5m])))"
                )
            case _:
                asked = (
                    f"{by}({each.name})" if each.name != "creditmesh_kept_since_seconds" else f"time() - {each.name}"
                )
        yield {
            "id": place + 1,
            "type": "timeseries",
            "title": each.about,
            "description": each.name,
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place // 2)},
            "targets": [{"expr": asked, "legendFormat": " ".join(f"{{{{{label}}}}}" for label in each.labels)}],
        }


_HEAD = """\
# Metrics and alerts

What the second listener of each process shows at `/metrics`, and what calls somebody. Written from the code by
`python deploy/watch/write.py`, with the rules, their tests and a dashboard in [`deploy/watch`](../../deploy/watch).

| metric | | by | what it is |
|---|---|---|---|"""


def page() -> str:
    """The page of all metrics and alerts."""
    rows = [f"| `{each.name}` | {each.kind} | {', '.join(each.labels)} | {each.about} |" for each in measured()]
    alerts = [
        f"| [{each.name}](../runbooks/{page_of(each)}) | {each.severity} | {each.says} | {each.says_zh} |"
        for each in ALERTS
    ]
    return "\n".join([_HEAD, *rows, "", "| alert | | it says | 说明 |", "|---|---|---|---|", *alerts, ""])


def files() -> dict[Path, str]:
    """Every file and its text."""
    dump = {"sort_keys": False, "allow_unicode": True, "width": 150, "explicit_start": True}
    return {
        HERE / "rules.yaml": NOTE + yaml.safe_dump(rules(), **dump),
        HERE / "rules_test.yaml": NOTE + yaml.safe_dump(tests(), **dump),
        HERE / "dashboard.json": json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n",
        DOCS / "reference/metrics.md": page(),
    }


if __name__ == "__main__":
    for path, written in files().items():
        path.write_text(written, encoding="utf-8")
