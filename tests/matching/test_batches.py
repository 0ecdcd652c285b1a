"""A batch that is wrong costs little, however large it is, and twenty findings say what is wrong with it."""

from typing import Any

import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError

from creditmesh.chassis.errors import TooLarge
from creditmesh.matching.api.batches import MOST, NDJSON, batch_of
from creditmesh.schemas.problems import MOST_FINDINGS
from tests.support.measuring import bounded_async

JSON = "application/json"
ONE = b'{"kind":"organisation","document":{"type":"uscc","number":"91990000MA0000001R"}}'


async def read(body: bytes, kind: str) -> Any:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return await batch_of(Request({"type": "http", "headers": [(b"content-type", kind.encode())]}, receive))


@pytest.mark.parametrize(
    ("body", "kind", "findings"),
    [
        (b"[" + b",".join([b'{"kind":"x","a":1,"b":2,"c":3}'] * MOST) + b"]", JSON, MOST_FINDINGS),
        (b"1\n" * MOST, NDJSON, MOST_FINDINGS),
        (b"[" + b",".join([ONE] * (MOST - 1)) + b",1]", JSON, 1),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}", JSON, 1),
        (b"[" + ONE + b',{"document":{' + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}}]", JSON, 1),
    ],
    ids=["every subject", "every line", "the last", "one crowded", "one crowded document"],
)
async def test_a_wrong_batch_is_told_twenty_findings_at_most_and_quickly(body: bytes, kind: str, findings: int):
    async def refused() -> int:
        with pytest.raises(RequestValidationError) as error:
            await read(body, kind)
        return len(error.value.errors())

    # 10,000 subjects, each read twice: a name may stand in one once
    assert await bounded_async(1.0, refused) == findings


@pytest.mark.parametrize("body", [b"\n" * 5_000_000, b"\r" * 5_000_000, (ONE + b"\n") * (MOST + 1)])
async def test_too_many_lines_are_counted_before_they_are_read(body: bytes):
    async def refused() -> None:
        with pytest.raises(TooLarge):
            await read(body, NDJSON)

    await bounded_async(0.1, refused)
