"""The lines of a propagation certificate: who knows of the revision that a case brought about."""

from collections.abc import Iterable, Sequence

from creditmesh.schemas.cases import CertificateLine
from creditmesh.schemas.events import HolderChanged

_SETTLED = {"acknowledged", "refused"}
_BUREAU = (
    "A bureau has no feed: it is told when it next asks, and may use what it has until use_until at the latest.",
    "征信机构无交换日志：下次查询时获知，其已有信息最迟可使用至 use_until（不含当日）。",
)
_NOT_TOLD = (
    "The exchange of this node has not sent it there yet.",
    "本节点交换服务尚未向其发送。",
)


def lines_of(told: Iterable[HolderChanged], *, above: Sequence[str]) -> tuple[CertificateLine, ...]:
    """One line a holder; `above` are the nodes that must be among them."""
    lines = [_line(event) for event in told]
    known = {line.holder for line in lines}
    missing = [code for code in above if code not in known]
    return (*lines, *(_not_told(code) for code in missing))


def pending_of(lines: Iterable[CertificateLine]) -> tuple[str, ...]:
    """The nodes and departments that have not answered; bureaus cannot be told."""
    return tuple(line.holder for line in lines if line.kind != "bureau" and line.outcome not in _SETTLED)


def _line(event: HolderChanged) -> CertificateLine:
    bureau = event.kind == "bureau"
    note, note_zh = _BUREAU if bureau else ("", "")
    return CertificateLine(
        holder=event.holder,
        kind=event.kind,
        outcome=event.outcome,
        at=event.at,
        code=event.code,
        proof=event.proof,
        task=event.task,
        reachable=not bureau,
        last_access=event.last_access,
        use_until=event.use_until,
        note=note,
        note_zh=note_zh,
    )


def _not_told(code: str) -> CertificateLine:
    note, note_zh = _NOT_TOLD
    return CertificateLine(holder=code, kind="node", outcome="not_told", note=note, note_zh=note_zh)
