"""Logs: one JSON object a line, and nothing of what an exception or a library's record quotes."""

import asyncio
import gc
import json
import logging
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Alarm, Uncertain
from creditmesh.chassis.units import Unit, Units
from creditmesh.schemas.histories import UnreadableCatalogue
from creditmesh.schemas.pages import BadPage
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.subject import Document, SubjectIn
from tests.chassis import toys
from tests.chassis.conftest import Nursery

NUMBER = "990000199001010017"
log = structlog.get_logger(__name__)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    """What was logged, each line an object of its own; the number of nobody is in none."""
    written = capsys.readouterr().err
    assert NUMBER not in written
    assert toys.SECRET not in written
    return [json.loads(line) for line in written.splitlines()]


def test_a_line_is_one_object_that_names_node_process_level_and_time(capsys: pytest.CaptureFixture[str]):
    log.warning("two\nlines", subject=uuid4(), file=Path("a"), zh="处罚")
    (line,) = lines(capsys)
    assert line["event"] == "two\nlines"
    assert line["level"] == "warning"
    assert line["timestamp"].endswith("Z")
    assert line["file"] == "a"
    assert line["zh"] == "处罚"


@pytest.mark.parametrize(
    "personal",
    [
        Pii(NUMBER),
        [Pii(NUMBER)],
        {"number": Pii(NUMBER)},
        Document(type="resident_id", number=Pii(NUMBER)),
        SubjectIn(kind="natural_person", document=Document(type="resident_id", number=Pii(NUMBER))),
        ValueError(NUMBER),
        {"cause": ValueError(NUMBER)},
        {NUMBER},
        NUMBER.encode(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_personal_value_or_an_exception_as_an_argument_is_not_shown(
    personal: object, capsys: pytest.CaptureFixture[str]
):
    log.warning("a value", value=personal)
    log.warning("a value %s", Pii(NUMBER))
    assert len(lines(capsys)) == 2


def test_an_exception_is_its_class_and_its_frames(capsys: pytest.CaptureFixture[str]):
    def deep() -> None:
        inner = NUMBER
        raise LookupError(inner) from ValueError(NUMBER)

    try:
        deep()
    except LookupError as error:
        error.add_note(NUMBER)
        log.warning("given", exc_info=error)
        log.exception("found by itself")
        log.warning("as a tuple", exc_info=(type(error), error, error.__traceback__))
    for line in lines(capsys):
        assert line["error"] == "LookupError"
        assert line["frames"][-1].endswith(" deep")


OURS = [
    Uncertain("the lease was lost"),
    Uncertain("a position was moved by another process"),
    Alarm("a hole in the stream", stream="ingestion", part=3),
    UnreadableCatalogue("catalogue event 7 has the unknown type 'x'"),
    BadPage("signature", 12),
]


def test_an_error_of_ours_says_its_reason(capsys: pytest.CaptureFixture[str]):
    for error in OURS:
        log.error("parked", exc_info=error)
        log.error("as an argument", value=error)
    found = lines(capsys)
    assert [line["reason"] for line in found[0::2]] == [str(error) for error in OURS]
    assert [line["value"] for line in found[1::2]] == [f"{type(error).__name__}: {error}" for error in OURS]


async def test_units_that_end_for_different_reasons_say_different_ones(capsys: pytest.CaptureFixture[str]):
    async def lost() -> None:
        raise Uncertain("the lease was lost")

    async def moved() -> None:
        raise Uncertain("a position was moved by another process") from ValueError(NUMBER)

    async def foreign() -> None:
        raise ValueError(NUMBER)

    units = Units([Unit("lost", lost), Unit("moved", moved), Unit("foreign", foreign)])
    units.start()
    await asyncio.sleep(0.05)
    await units.stop()
    told = {line["unit"]: line for line in lines(capsys)}
    assert (told["lost"]["error"], told["lost"]["reason"]) == ("Uncertain", "the lease was lost")
    assert told["moved"]["reason"] == "a position was moved by another process"
    assert told["moved"]["cause"] == "ValueError"
    assert (told["foreign"]["error"], "reason" in told["foreign"]) == ("ValueError", False)
    assert told["foreign"]["frames"][-1].endswith(" foreign")


def test_a_librarys_record_comes_without_its_arguments(capsys: pytest.CaptureFixture[str]):
    logger = logging.getLogger("some.library")
    logger.warning("cannot parse %r of %s", NUMBER, toys.SECRET)
    logger.warning(f"cannot parse '{NUMBER}'")  # noqa: G004
    logger.warning(f"of {toys.SECRET.partition(' ')[2]}: {NUMBER}")  # noqa: G004
    logger.warning("处罚对象张某")
    try:
        open(NUMBER)  # noqa: PTH123, SIM115
    except OSError:
        logger.exception("it failed")
    found = lines(capsys)
    assert [line["event"] for line in found][:2] == ["cannot parse %r of %s", "cannot parse"]
    assert found[3]["event"] == ""
    assert found[-1]["error"] == "FileNotFoundError"
    assert {line["logger"] for line in found} == {"some.library"}


async def test_a_task_that_nobody_awaited_is_told_without_its_message(capsys: pytest.CaptureFixture[str]):
    async def fails() -> None:
        raise RuntimeError(NUMBER)

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    del task
    gc.collect()
    (line,) = lines(capsys)
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"] == "RuntimeError"


@pytest.mark.parametrize("ending", ["fault", "broken", "misshapen", "deferred"])
async def test_a_route_that_fails_logs_where_and_not_what(
    nursery: Nursery, ending: str, capsys: pytest.CaptureFixture[str]
):
    async with nursery.client() as client:
        await client.post(f"/v1/marks/{uuid4()}/{ending}")
    found = lines(capsys)
    if ending != "deferred":
        assert found[-1]["path"] == f"/v1/marks/{{id}}/{ending}"
        assert found[-1]["error"]


@pytest.mark.parametrize("ending", ["fault", "broken", "misshapen"])
async def test_the_id_that_an_answer_names_stands_in_the_line_that_is_logged(
    nursery: Nursery, ending: str, capsys: pytest.CaptureFixture[str]
):
    own, trace = str(uuid4()), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with nursery.client() as client:
        named = {"X-Request-Id": own, "traceparent": trace}
        answer = await client.post(f"/v1/marks/{uuid4()}/{ending}", headers=named)
        log.warning("after it")
    *found, after = lines(capsys)
    assert answer.json()["request_id"] == own
    assert found
    assert {(line["request_id"], line["traceparent"]) for line in found} == {(own, trace)}
    assert "request_id" not in after


async def test_a_statement_that_fails_does_not_quote_its_values(nursery: Nursery, capsys: pytest.CaptureFixture[str]):
    """The driver's own message does; it stays inside."""
    context: Context = nursery.context()
    session = await context.session()
    with pytest.raises(DatabaseError) as caught:
        await session.execute("select cast(cast(:n as text) as integer)", {"n": NUMBER})
    log.error("refused", exc_info=caught.value, value=caught.value)
    await context.rollback()
    (line,) = lines(capsys)
    assert line["value"].startswith("DatabaseError: NumericValueOutOfRangeError (22003)")
