"""The receipt of a submission: counts, a digest over all verdict lines, and the node's signature under both."""

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from uuid import UUID

import orjson

from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.signed import Signed, sign
from creditmesh.schemas.verdicts import VERDICTS, Receipt, ReceiptLine, VerdictWord

Counts = Mapping[VerdictWord, int]


def receipt_of(keys: Keys, *, submission: UUID, node: str, item: str, counts: Counts, lines: Iterable[bytes]) -> Signed:
    """The signed receipt of these verdict lines (each with its line end)."""
    digest = sha256()
    for line in lines:
        digest.update(line)
    receipt = Receipt(
        submission=submission,
        node=node,
        item=item,
        rows=sum(counts.values()),
        **{verdict: counts.get(verdict, 0) for verdict in VERDICTS},
        digest=f"sha-256:{digest.hexdigest()}",
        key=keys.key_id("node"),
        alg=keys.algorithm("node"),
    )
    return sign(receipt, by=keys.sign)


def receipt_line(receipt: Signed) -> bytes:
    """The last line of a bulk answer."""
    return orjson.dumps(ReceiptLine(receipt=receipt).model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE)


def added(counts: Iterable[Counts]) -> Counts:
    """The sum of several chunks' counts."""
    total: Counter[VerdictWord] = Counter()
    for each in counts:
        total.update(each)
    return total
