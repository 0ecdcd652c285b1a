"""The part of `creditmesh verify` that is about a case's certificate: who knows of a revision, and what proves it."""

import json
from collections.abc import Collection
from pathlib import Path

from rich.table import Table

from creditmesh.client.certificates import check
from creditmesh.client.cli import say
from creditmesh.client.cli.exits import Exit
from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.pins import keys_in, pin
from creditmesh.schemas.acknowledgements import Acknowledgement, Proof
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.signed import Contradictory, SignedText, said, strict

_WORDS = {
    "acknowledged": "已收讫",
    "refused": "已拒收",
    "told": "已发送",
    "not_told": "未发送",
    "unreachable": "待其下次查询",
}


def verify_certificate(file: Path, *, trusted: Collection[str], pins: Path, repin: bool, as_json: bool) -> Exit:
    """Check one certificate, hold the keys in it against those that are pinned, and say who is on it."""
    try:
        certificate = check(_read(file), trusted=trusted)
        own = {certificate.node} if trusted else set()  # its key was given on purpose
        new = pin(pins, {node: key for node, key in keys_in(certificate).items() if node not in own}, again=repin)
    except Unverified as broken:
        if not as_json:
            say.answers.print(f"不符 DOES NOT FIT: {file}")
        say.error(broken, as_json=as_json)
        return Exit.REFUSED
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


def _read(file: Path) -> SignedText:
    """What is signed in the file; Unverified where something beside it would be believed although nobody signed it."""
    try:
        whole = strict(file.read_bytes())
        signed = SignedText.model_validate(whole)
    except Contradictory:
        raise Unverified("contradictory", "A member stands in it twice.", "同一成员重复出现。") from None
    except (OSError, ValueError):
        raise Unsendable(f"{file}: this is no certificate of a case.", f"{file}：不是案件的同步更新证明。") from None
    beside = sorted(set(whole) - set(SignedText.model_fields)) if "signed" in whole else []
    if beside:
        names = ", ".join(beside)
        raise Unverified("not_covered", f"Nobody signed these members: {names}.", f"下列成员未经签名：{names}。")
    return signed


def _tell(file: Path, certificate: Certificate, *, as_json: bool) -> None:
    if as_json:
        names = {"node", "case", "record", "rev", "change", "complete", "pending"}
        document = {"file": str(file)} | certificate.model_dump(mode="json", include=names)
        say.answers.print(json.dumps(document, ensure_ascii=False))
        return
    say.answers.print(f"相符 fits: {file}: {certificate.record} rev {certificate.rev} ({certificate.change})")
    table = Table("持有方 holder", "结果", "outcome", "证明 proof", box=None, pad_edge=False)
    for line in certificate.lines:
        proved = (
            ""
            if line.proof is None
            else f"{said(Acknowledgement, line.proof.acknowledgement).feed} #{line.proof.index}"
        )
        table.add_row(line.holder, _WORDS[line.outcome], line.outcome, proved)
    say.answers.print(table)
    if certificate.pending:
        names_left = ", ".join(certificate.pending)
        say.notice(f"Not answered yet: {names_left}.", f"尚未答复：{names_left}。")


def _proved(proof: Proof | None) -> str:
    return "" if proof is None else f"{said(Acknowledgement, proof.acknowledgement).feed} #{proof.index}"
