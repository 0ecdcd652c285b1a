"""How a node stands, for its operator: what `status` prints, and what `up` says when it is ready."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from creditmesh.chassis.settings import NodeSettings
from creditmesh.node import run_files
from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator, ask_readiness
from creditmesh.node.run_files import RunFile

_READY = "yes"
COLUMNS = ("process", "pid", "listens", "operator", "ready")
Finding = tuple[str, str]
"""What is missing or stands still and what to do about it, in English and in Chinese."""

_EMPTY = ("the catalogue is empty: creditmesh-node catalogue load", "目录为空：请执行 creditmesh-node catalogue load")
_NO_ROW = (
    "it has no row of its own yet, for receipts and peers: creditmesh-node peers init",
    "尚未发布本节点自身信息（供回执核验与对等节点登记）：请执行 creditmesh-node peers init",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The node's processes as rows, what of it stands still, and what it lacks yet."""

    processes: list[tuple[str, ...]]
    stands: list[Finding]
    missing: list[Finding]

    def document(self) -> Mapping[str, Any]:
        """The same for a program."""
        processes = [dict(zip(COLUMNS, each, strict=True)) for each in self.processes]
        stands, missing = (
            [{"said": text, "said_zh": text_zh} for text, text_zh in some] for some in (self.stands, self.missing)
        )
        return {"processes": processes, "stands": stands, "missing": missing}

    def said(self) -> Iterator[tuple[str, Finding]]:
        """Line by line: what stands still after `!`, what is to be done next after `next:`."""
        yield from (("!", each) for each in self.stands)
        yield from (("next:", each) for each in self.missing)
        if not self.stands and not self.missing:
            yield "", ("nothing is missing, nothing stands still", "一切正常")


def waited(settings: NodeSettings, *, seconds: float) -> Status:
    """As `look`, once every process is ready, or when so many seconds have passed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(NodeError):
            if all(row[-1] == _READY for row in look(settings).processes):
                break
        time.sleep(0.2)
    return look(settings)


def look(settings: NodeSettings) -> Status:
    """Ask every process of the node. NodeError if none runs."""
    running = run_files.read(settings.state)
    if not running:
        raise NodeError(
            f"no process of a node runs with CREDITMESH_STATE {settings.state}: creditmesh-node up",
            f"{settings.state} 中没有正在运行的节点进程：请执行 creditmesh-node up",
        )
    said = [(each, _readiness(each)) for each in running]
    stands = [finding for each, readiness in said for finding in standing(each, readiness)]
    return Status(
        processes=[_row(each, readiness) for each, readiness in said],
        stands=list(dict.fromkeys(stands)),
        missing=list(_missing(settings)),
    )


def welcome(found: RunFile, settings: NodeSettings) -> Iterator[str]:
    """What a node says that is ready: where it listens, where its folder is, and what to do next."""
    kind, kind_zh = ("sandbox", "沙箱") if settings.sandbox else ("node", "节点")
    yield f"ready: {kind} {settings.node} ({settings.tier}) / {kind_zh} {settings.node} 已就绪"
    yield f"  for callers / 公共接口   {found.url}   {found.url}/docs"
    yield f"  for you / 运维接口       {found.operator}   /health/ready, /metrics"
    yield f"  its folder / 状态目录    {settings.state.resolve()}   back up secrets/ / 请备份 secrets/"
    for text, text_zh in _missing(settings):
        yield f"  next / 下一步: {text} / {text_zh}"


def _readiness(running: RunFile) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = ask_readiness(running.operator, seconds=10).json()
    except (httpx.TransportError, ValueError):
        return None
    return answer


def _row(running: RunFile, readiness: Mapping[str, Any] | None) -> tuple[str, ...]:
    ready = "no answer" if readiness is None else _READY if readiness["ready"] else "no"
    return (running.process, str(running.pid), running.url, running.operator, ready)


def standing(running: RunFile, readiness: Mapping[str, Any] | None) -> Iterator[Finding]:
    """What stands still in a process by what it says of its readiness; None: it says nothing."""
    name = running.process
    if readiness is None:
        yield (f"{name} ({running.pid}) does not answer: see its log", f"{name}（{running.pid}）无应答，请查看其日志")
        return
    if readiness["database"] != "ok":
        yield (f"{name} cannot reach the database: does it run?", f"{name} 无法连接数据库，请检查其是否运行")
    bus = readiness["bus"]
    for alarm in bus.get("alarms", ()):
        yield (f"{name} stands still: {alarm}; its log says more", f"{name} 停滞：{alarm}，详见日志")
    for reader, count in bus.get("dead_letters", {}).items():
        yield (
            f"{count} dead letters of {reader}: creditmesh-node dead list",
            f"{reader} 有 {count} 条死信，见 dead list",
        )
    for service, stopped in readiness.get("stopped", {}).items():
        for what, why in stopped.items():
            yield (f"{service}: {what}: {why} (docs/guide/peers.md, running.md)", f"{service}：{what}：{why}")
    for service, waits in readiness.get("waits_for", {}).items():
        yield (f"{service} waits for {waits} (docs/guide/running.md)", f"{service} 等待：{waits}")


def _missing(settings: NodeSettings) -> Iterator[Finding]:
    """What of its catalogue a node lacks, as its own process of the catalogue has it."""
    try:
        operator = Operator(settings.state)
        catalogue = next(each for each in run_files.read(settings.state) if "catalogue" in each.services)
        followed = (_readiness(catalogue) or {}).get("catalogue")
        own = operator.call("catalogue", "GET", "/v1/admin/peers")["own"]
    except (NodeError, StopIteration):
        return
    if followed == 0:
        yield _EMPTY
    elif own is None:
        yield _NO_ROW
