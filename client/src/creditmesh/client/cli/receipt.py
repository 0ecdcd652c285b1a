"""The part of `creditmesh verify` that is about receipts, acknowledgements of what was pulled, and authorisations."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel

from creditmesh.client.cli import given, say
from creditmesh.client.cli.exits import Exit
from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.pins import pin, pinned
from creditmesh.client.statements import Checked, check_authorisation, check_statement
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.authorisation_text import Claims, claimed, node_of
from creditmesh.schemas.rules.calendar import shanghai_day
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
    _tell(file, "receipt", node, checked, as_json=as_json)
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
    _tell(file, "acknowledgement", node, checked, as_json=as_json)
    if not as_json:
        given_ = checked.statement
        say.answers.print(
            f"{given_.by}: {given_.feed} {given_.first}–{given_.until}, 拒收 refused {len(given_.refused)}; "
            f"根 root {given_.root}"
        )
    return Exit.DONE


def verify_authorisation(file: Path, token: str, keys: KeySource, *, as_json: bool) -> Exit:
    """Check what a node signed for a person, and whether today is among its days; the rest the node alone knows."""
    node = node_of(claimed(token))
    checked = keys.check(node, lambda believed: check_authorisation(token, node=node, believed=believed))
    permits = checked.statement
    today = _today(permits, shanghai_day(datetime.now(UTC)))
    _tell(file, "authorisation", node, checked, as_json=as_json, today=today)
    if not as_json:
        say.answers.print(
            f"授权 authorisation {permits.jti}: {permits.grantee}, {permits.purpose}, {', '.join(permits.items)}; "
            f"{permits.valid_from} 起，{permits.valid_until} 失效 from {permits.valid_from} until before "
            f"{permits.valid_until}, 次数 uses {permits.max_uses}"
        )
        if today in _OUTSIDE:
            say.answers.print(_OUTSIDE[today])
    say.notice(
        "Whether it was revoked or is used up, the node alone says: to a bureau with creditmesh authorisations hand-in "
        "FILE (an access in the person's log), to the person with creditmesh authorisations list.",
        "是否已撤回或用尽，以节点答复为准：征信机构用 creditmesh authorisations hand-in 文件（计入本人访问日志），"
        "本人用 creditmesh authorisations list。",
    )
    return Exit.REFUSED if today in _OUTSIDE else Exit.DONE


_Day = Literal["within", "not_yet", "expired"]
_OUTSIDE: Mapping[_Day, str] = {"not_yet": "尚未生效 not yet in force", "expired": "已失效 over"}


def _today(permits: Claims, today: date) -> _Day:
    if today < permits.valid_from:
        return "not_yet"
    return "within" if today < permits.valid_until else "expired"


def _tell(file: Path, kind: str, node: str, checked: Checked[BaseModel], *, as_json: bool, **beside: str) -> None:
    name = say.printable(str(file))
    if as_json:
        document = {"file": name, "kind": kind, "node": node, "publics": [checked.public]}
        say.document(document | beside | checked.statement.model_dump(mode="json", by_alias=True))
        return
    say.signed_for(node)
    say.answers.print(f"相符 fits: {name}")
    say.answers.print(f"所认可的公钥 key believed: {checked.public}")
