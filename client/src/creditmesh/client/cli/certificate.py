"""The part of `creditmesh verify` that is about a case's certificate: who knows of a revision, and what proves it."""

from collections.abc import Collection
from pathlib import Path

from creditmesh.client.certificates import check
from creditmesh.client.cli import say
from creditmesh.client.cli.exits import Exit
from creditmesh.client.pins import keys_in, pin
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.signed import SignedText, said

_WORDS = {
    "acknowledged": "已收讫",
    "refused": "已拒收",
    "told": "已发送",
    "not_told": "未发送",
    "unreachable": "待其下次查询",
}


def verify_certificate(
    file: Path, signed: SignedText, *, trusted: Collection[str], pins: Path, repin: bool, as_json: bool
) -> Exit:
    """Check one certificate, hold the keys in it against those that are pinned, and say who is on it."""
    certificate = check(signed, trusted=trusted)
    own = {certificate.node} if trusted and not repin else set()  # its key was given on purpose
    new = pin(pins, {node: key for node, key in keys_in(certificate).items() if node not in own}, again=repin)
    _tell(file, certificate, as_json=as_json)
    if new:
        keys = ", ".join(f"{node} {public}" for node, public in sorted(new.items()))
        say.notice(
            f"These keys were seen for the first time and are pinned from now on; compare them with the rows of the "
            f"nodes in their catalogues, or give that of {certificate.node} with --public: {keys}",
            f"下列公钥系首次出现，自此锁定；请与各节点目录中公布的公钥比对，{certificate.node} 的亦可用 --public 提供："
            f"{keys}",
        )
    return Exit.DONE


def _tell(file: Path, certificate: Certificate, *, as_json: bool) -> None:
    name = say.printable(str(file))
    if as_json:
        names = {"node", "case", "record", "rev", "change", "complete", "pending"}
        document: dict[str, object] = {"file": name, "kind": "certificate", "publics": [certificate.public]}
        say.document(document | certificate.model_dump(mode="json", include=names))
        return
    say.signed_for(certificate.node)
    say.answers.print(f"相符 fits: {name}: {certificate.record} rev {certificate.rev} ({certificate.change})")
    say.answers.print(f"所认可的公钥 key believed: {certificate.public}")
    table = say.columns("持有方 holder", "结果", "outcome", "证明 proof")
    for line in certificate.lines:
        proved = (
            ""
            if line.proof is None
            else f"{said(Acknowledgement, line.proof.acknowledgement).feed} #{line.proof.index}"
        )
        table.add_row(line.holder, _WORDS[line.outcome], line.outcome, proved)
    say.table(table)
    if certificate.pending:
        names_left = ", ".join(certificate.pending)
        say.notice(f"Not answered yet: {names_left}.", f"尚未答复：{names_left}。")
