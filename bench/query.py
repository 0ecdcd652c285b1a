"""An authorised, logged query through the gateway, against a bare FastAPI route that gives the very same answer."""

import orjson

from bench.bare import Route
from bench.comparing import compared
from bench.figures import Table
from bench.rows import ITEM, penalties, person
from bench.standing import Standing, drained
from bench.wire import Wire, post
from creditmesh.schemas.queries import QueryIn, QueryOut

SUBJECTS, RECORDS = 300, 3
FIRST = 2_000_000
MATTER, PATH = "business_licence_examination", "/v1/queries"


async def measure(standing: Standing) -> Table:
    """Both ways, interleaved."""
    await _prepare(standing)
    questions = [question(FIRST + 2 * number) for number in range(SUBJECTS)]
    answered = await _answer(standing, questions[0])
    return await compared(
        standing,
        Route(PATH, QueryIn, QueryOut, answered),
        questions,
        title=f"query: {RECORDS} records of a person released",
        name="authorised and logged",
        key=standing.key,
        path=PATH,
    )


async def _prepare(standing: Standing) -> None:
    subjects = [FIRST + 2 * number for number in range(SUBJECTS)] * RECORDS
    body = penalties(range(FIRST, FIRST + len(subjects)), subjects)
    wire = await Wire.to(standing.url)
    path, kind = f"/v1/items/{ITEM}/records", "application/x-ndjson"
    status, answer = await wire.ask(post(standing.url, path, body, key=standing.key, kind=kind))
    assert status == 200, answer
    wire.close()
    async with standing.session() as session:
        await drained(session)


def question(order: int) -> bytes:
    """What a department asks about the invented person of that order."""
    document = {"type": "resident_id", "number": person(order)}
    subject = {"kind": "natural_person", "document": document}
    return orjson.dumps({"subject": subject, "purpose": "statutory_duty", "matter": MATTER, "officer": "B-1"})


async def _answer(standing: Standing, question: bytes) -> bytes:
    wire = await Wire.to(standing.url)
    status, answer = await wire.ask(post(standing.url, PATH, question, key=standing.key))
    wire.close()
    assert status == 200, answer
    assert len(orjson.loads(answer)["released"]) == RECORDS, answer
    return answer
