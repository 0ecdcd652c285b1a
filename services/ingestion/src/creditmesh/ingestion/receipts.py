"""The receipt of a submission: counts, a digest over all verdict lines, and the node's signature under both."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from uuid import UUID

import orjson

from creditmesh.chassis.vault.keys import Keys
from creditmesh.ingestion.store.submissions import Chunk
from creditmesh.schemas.verdicts import VERDICTS, Receipt, ReceiptLine, VerdictWord, receipt_text

Counts = Mapping[VerdictWord, int]


def receipt_line(keys: Keys, *, submission: UUID, node: str, item: str, chunks: Sequence[Chunk]) -> bytes:
    """The signed receipt of these chunks of a complete submission, as the last line of a bulk answer."""
    counts, digest = added(chunk.counts for chunk in chunks), sha256()
    for chunk in chunks:
        digest.update(chunk.lines)
    unsigned = Receipt(
        submission=submission,
        node=node,
        item=item,
        rows=sum(counts.values()),
        **{verdict: counts.get(verdict, 0) for verdict in VERDICTS},
        digest=f"sha-256:{digest.hexdigest()}",
        key=keys.key_id("node"),
        alg=keys.algorithm("node"),
        signature="",
    )
    signature = b64encode(keys.sign(receipt_text(unsigned))).decode("ascii")
    line = ReceiptLine(receipt=unsigned.model_copy(update={"signature": signature}))
    return orjson.dumps(line.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE)


def added(counts: Iterable[Counts]) -> Counts:
    """The sum of several chunks' counts."""
    total: Counter[VerdictWord] = Counter()
    for each in counts:
        total.update(each)
    return total
