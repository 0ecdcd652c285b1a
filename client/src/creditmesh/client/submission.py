"""A file on its way into a node: its pieces go out one after another, its verdicts come back row by row.

A connection that breaks is taken up again with the same Idempotency-Key: the node answers from what it has stored, and
verdicts that were already handed on are not handed on twice. An answer without its receipt is a broken one; only a dry
run, which stores nothing, has none.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal
from urllib.parse import quote

from creditmesh.client.errors import NotUnderstood, ProblemError, Unreachable
from creditmesh.client.http import Call, Wire, new_idempotency_key, understood
from creditmesh.client.retries import RetryBudget, Waiting
from creditmesh.client.upload import Piece, Upload
from creditmesh.client.whole_answers import lines
from creditmesh.schemas.signed import SignedText, said
from creditmesh.schemas.verdicts import Receipt, ReceiptLine, Verdict

Lane = Literal["live", "backfill"]
_SILENCE = 600.0
"""A node may answer only when it has stored the last of 200,000 rows."""


@dataclass(slots=True, kw_only=True)
class Submission:
    """Iterate it once for the verdicts, in file order and numbered as in the file; then read `receipts`."""

    wire: Wire
    upload: Upload
    item: str
    lane: Lane = "live"
    dry_run: bool = False
    idempotency_key: str = field(default_factory=new_idempotency_key)
    sent: Callable[[int], None] = lambda _: None
    """Told how many bytes of the file have gone out; it goes back when a piece is sent again."""
    waiting: Waiting | None = None
    receipts: list[SignedText] = field(default_factory=list)

    def __iter__(self) -> Iterator[Verdict]:
        self.receipts.clear()
        before = 0
        for number, piece in enumerate(self.upload.pieces, start=1):
            row = before
            for verdict in self._persist(self._call(number, piece)):
                row = before + verdict.row
                yield _in_file(verdict, row, piece) if before else verdict
            before = row

    def _call(self, number: int, piece: Piece) -> Call:
        first = self.upload.pieces[0].start
        parameters: Mapping[str, str] = {"lane": self.lane} | ({"dry_run": "true"} if self.dry_run else {})
        return Call(
            method="POST",
            path=f"/v1/items/{quote(self.item, safe='')}/records",
            params=parameters,
            headers={"Content-Type": self.upload.content_type, "Content-Length": str(piece.size)},
            body=lambda: piece.read(lambda bytes_sent: self.sent(piece.start - first + bytes_sent)),
            idempotency_key=self.idempotency_key
            if len(self.upload.pieces) == 1
            else f"{self.idempotency_key}.{number}",
            patience=_SILENCE,
        )

    def _persist(self, call: Call) -> Iterator[Verdict]:
        patience, seen = RetryBudget(self.wire.retries, self.waiting), 0
        while True:
            try:
                for verdict in self._attempt(call):
                    if verdict.row > seen:
                        seen = verdict.row
                        patience.renew()
                        yield verdict
            except (Unreachable, ProblemError) as error:
                patience.wait(error)
            else:
                return

    def _attempt(self, call: Call) -> Iterator[Verdict]:
        digest = sha256()
        with self.wire.open(call) as response:
            for line in lines(response):
                if line.startswith(b'{"receipt":'):
                    self.receipts.append(_checked(understood(line, ReceiptLine).receipt, digest.hexdigest()))
                    return
                digest.update(line + b"\n")
                yield understood(line, Verdict)
        if not self.dry_run:
            raise Unreachable("The answer broke off before its receipt.", "应答在回执之前中断。")


def _in_file(verdict: Verdict, row: int, piece: Piece) -> Verdict:
    line = None if verdict.line is None else verdict.line + piece.lines_before
    return verdict.model_copy(update={"row": row, "line": line})


def _checked(receipt: SignedText, digest: str) -> SignedText:
    try:
        fits = said(Receipt, receipt).digest == f"sha-256:{digest}"
    except ValueError:
        fits = False
    if not fits:
        raise NotUnderstood(
            "The receipt does not fit the verdicts that came with it; send the same again.",
            "回执与所收到的逐行结果不一致；请以相同方式重新发送。",
        )
    return receipt
