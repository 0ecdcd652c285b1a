"""The part of `creditmesh verify` that is about receipts of submissions, and acknowledgements of what was pulled."""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from creditmesh.client.cli import given, say
from creditmesh.client.cli.exits import Exit
from creditmesh.client.errors import Unverified
from creditmesh.client.pins import pinned
from creditmesh.client.statements import Checked, check_statement
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.signed import SignedText, Statement, said
from creditmesh.schemas.verdicts import VERDICTS, Receipt


def verify_receipt(
    file: Path, signed: SignedText, *, trusted: Collection[str], pins: Path, verdicts: Path | None, as_json: bool
) -> Exit:
    """Check a receipt, and that these verdicts are those it was signed over."""
    node = said(Receipt, signed).node
    checked = check_statement(Receipt, signed, node=node, believed=trusted or pinned(pins, node))
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


def verify_acknowledgement(
    file: Path, signed: SignedText, *, trusted: Collection[str], pins: Path, as_json: bool
) -> Exit:
    """Check what a node signed about another's feed."""
    node = said(Acknowledgement, signed).by
    checked = check_statement(Acknowledgement, signed, node=node, believed=trusted or pinned(pins, node))
    _tell(file, "acknowledgement", checked, as_json=as_json)
    if not as_json:
        given_ = checked.statement
        say.answers.print(
            f"{given_.by}: {given_.feed} {given_.first}–{given_.until}, 拒收 refused {len(given_.refused)}; "
            f"根 root {given_.root}"
        )
    return Exit.DONE


def _tell(file: Path, kind: str, checked: Checked[Statement], *, as_json: bool) -> None:
    name = say.printable(str(file))
    if as_json:
        document = {"file": name, "kind": kind, "publics": [checked.public]}
        say.document(document | checked.statement.model_dump(mode="json"))
        return
    say.answers.print(f"相符 fits: {name}")
    say.answers.print(f"所认可的公钥 key believed: {checked.public}")
