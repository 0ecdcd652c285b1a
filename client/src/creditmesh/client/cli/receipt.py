"""The part of `creditmesh verify` that is about receipts, acknowledgements of what was pulled, and authorisations."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from creditmesh.client.cli import given, say
from creditmesh.client.cli.exits import Exit
from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.pins import pin, pinned
from creditmesh.client.statements import Checked, check_authorisation, check_statement
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.authorisation_text import claimed, node_of
from creditmesh.schemas.signed import SignedText, said
from creditmesh.schemas.verdicts import VERDICTS, Receipt

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class KeySource:
    """Whence the keys come that are believed: given on purpose, or else those that were kept of the node."""

    given: Collection[str]
    kept: Path
    repin: bool = field(kw_only=True)

    def check(self, node: str, signed_with: Callable[[Collection[str]], Checked[M]]) -> Checked[M]:
        """What the node signed. Unverified if a given key did not; Unsendable, for it proves nothing, if a kept one."""
        if self.given:
            checked = signed_with(self.given)
            if self.repin:
                pin(self.kept, {node: checked.public}, again=True)
            return checked
        try:
            return signed_with(pinned(self.kept, node))
        except Unverified:
            raise _another_key(node, self.kept) from None


def _another_key(node: str, kept: Path) -> Unsendable:
    """A code is no identity: the key may have been renewed, or be that of another node of the same code."""
    return Unsendable(
        f"None of the keys kept of {node} in {kept} signed this: it is altered, or signed with a key that is not kept "
        "there. Give the key of the node's row in GET /v1/catalogue/parties with --public (--repin keeps it).",
        f"{kept} 中保存的 {node} 节点公钥均未签署该文件：内容被改动，或所用密钥未在其中保存。请用 --public 提供其在 "
        "GET /v1/catalogue/parties 中公布的公钥（加 --repin 可一并保存）。",
    )


def verify_receipt(file: Path, signed: SignedText, keys: KeySource, *, verdicts: Path | None, as_json: bool) -> Exit:
    """Check a receipt, and that these verdicts are those it was signed over."""
    node = said(Receipt, signed).node
    checked = keys.check(node, lambda believed: check_statement(Receipt, signed, node=node, believed=believed))
    if verdicts is not None:
        digest = f"sha-256:{sha256(given.content(verdicts)).hexdigest()}"
        if digest != checked.statement.digest:
            raise Unverified(
                "digest",
                "The verdicts are not those that the receipt was signed over.",
                "逐行结果与回执所签不符。",
            )
    _tell(file, "receipt", checked, as_json=as_json)
    if not as_json:
        receipt = checked.statement
        counts = ", ".join(f"{word} {getattr(receipt, word):,}" for word in VERDICTS)
        say.answers.print(f"报送 submission {receipt.submission} ({receipt.item}): {receipt.rows:,} 行 rows: {counts}")
        if verdicts is None:
            say.notice(
                "The counts are signed; give --verdicts FILE to check the verdicts as well.",
                "已核验各类行数；如需核验逐行结果，请加 --verdicts 文件。",
            )
    return Exit.DONE


def verify_acknowledgement(file: Path, signed: SignedText, keys: KeySource, *, as_json: bool) -> Exit:
    """Check what a node signed about another's feed."""
    node = said(Acknowledgement, signed).by
    checked = keys.check(node, lambda believed: check_statement(Acknowledgement, signed, node=node, believed=believed))
    _tell(file, "acknowledgement", checked, as_json=as_json)
    if not as_json:
        given_ = checked.statement
        say.answers.print(
            f"{given_.by}: {given_.feed} {given_.first}–{given_.until}, 拒收 refused {len(given_.refused)}; "
            f"根 root {given_.root}"
        )
    return Exit.DONE


def verify_authorisation(file: Path, token: str, keys: KeySource, *, as_json: bool) -> Exit:
    """Check what a node signed for a person, and say what it permits; whether it still holds the node alone knows."""
    node = node_of(claimed(token))
    checked = keys.check(node, lambda believed: check_authorisation(token, node=node, believed=believed))
    _tell(file, "authorisation", checked, as_json=as_json)
    if not as_json:
        permits = checked.statement
        say.answers.print(
            f"授权 authorisation {permits.jti}: {permits.grantee}, {permits.purpose}, {', '.join(permits.items)}; "
            f"{permits.valid_from} – {permits.valid_until}, 次数 uses {permits.max_uses}"
        )
    say.notice(
        "Whether it was revoked or is used up, the node alone says: creditmesh authorisations hand-in FILE.",
        "是否已撤回或用尽，以节点答复为准：creditmesh authorisations hand-in 文件。",
    )
    return Exit.DONE


def _tell(file: Path, kind: str, checked: Checked[BaseModel], *, as_json: bool) -> None:
    name = say.printable(str(file))
    if as_json:
        document = {"file": name, "kind": kind, "publics": [checked.public]}
        say.document(document | checked.statement.model_dump(mode="json", by_alias=True))
        return
    say.answers.print(f"相符 fits: {name}")
    say.answers.print(f"所认可的公钥 key believed: {checked.public}")
