"""The lines of a propagation certificate: who knows of the revision that a case brought about."""

from collections.abc import Iterable

from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.cases import CertificateLine
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.proofs import owing
from creditmesh.schemas.signed import said

_BUREAU = (
    "A bureau has no feed: it is told when it next asks, and may use what it has until use_until at the latest.",
    "征信机构无交换日志：下次查询时获知，其已有信息最迟可使用至 use_until（不含当日）。",
)
_NOT_TOLD = (
    "It has not answered yet, or was not sent it yet.",
    "尚未答复，或尚未向其发送。",
)

_UNKNOWN = (
    "Not all who may hold it are known: not told yet, deleted here, or an answer does not name the nodes above.",
    "尚不知全部持有方：未全部发送、本节点已删除该记录，或已答复节点未列明其上级节点。",
)
_ANSWERS = {"acknowledged", "refused"}


def lines_of(
    told: Iterable[HolderChanged], *, above: Iterable[str], known: bool, node: str
) -> tuple[CertificateLine, ...]:
    """One line a holder; `above` are the nodes that must be among them, and those must to whom they passed it on.

    `known`: whether `above` are all whom this node gave it to; if not, or if one that answered does not say whom it
    passed it on to, the node itself is among them. A node that owes no answer counts if it gave one.
    """
    lines = [_line(event) for event in told if event.kind != "node" or event.outcome in _ANSWERS]
    answers = [
        (said(Acknowledgement, line.proof.acknowledgement), line.proof.index)
        for line in lines
        if line.proof is not None
    ]
    owed = owing(above, answers, node=node) | (set() if known else {node})
    missing = owed - {line.holder for line in lines if line.kind == "node"}
    return (*lines, *(_not_told(code, *(_UNKNOWN if code == node else _NOT_TOLD)) for code in sorted(missing)))


def pending_of(lines: Iterable[CertificateLine]) -> tuple[str, ...]:
    """The nodes and departments that have not applied it, a refusal among them; bureaus cannot be told."""
    return tuple(line.holder for line in lines if line.kind != "bureau" and line.outcome != "acknowledged")


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


def _not_told(code: str, note: str, note_zh: str) -> CertificateLine:
    return CertificateLine(holder=code, kind="node", outcome="not_told", note=note, note_zh=note_zh)
