"""What the operator reads of an erasure, each thing for itself: what would go, what is gone, what is not reached."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from creditmesh.node.erasing import header, lines, outcome, summary
from creditmesh.schemas.erasures import ErasedRecordOut, ErasureLine, ErasureOut

BUREAU = ErasureLine(
    holder="alpha_credit", kind="bureau", outcome="told", at=datetime(2026, 11, 30, tzinfo=UTC),
    use_until=date(2026, 12, 30),
)  # fmt: skip


def erasure(*, ordered: bool = True, pending: tuple[str, ...] = (), **more: object) -> ErasureOut:
    record = ErasedRecordOut(
        record=uuid4(), rev=2, item="penalty", party="court", deleted=ordered and not pending, pending=pending,
        holders=(BUREAU,) if ordered else (),
    )  # fmt: skip
    given = {"records": (record,), "complete": not pending} | more
    return ErasureOut(
        erasure=uuid4() if ordered else None, officer="Reviewer Lan", ground="order", basis="示1号", **given
    )


def said(found: ErasureOut) -> str:
    return " / ".join(summary(found))


def shown(found: ErasureOut) -> str:
    """All that the command prints of one."""
    return "\n".join([*map("\t".join, lines(found)), header(found), *summary(found), *(outcome(found) or ())])


OTHER = {
    "erasure": uuid4(),
    "at": datetime(2026, 11, 30, 9, tzinfo=UTC),
    "officer": "Reviewer Chen",
    "ground": "unlawful",
    "basis": "示2号",
    "records": (),
    "held_rows": 4,
    "erased_before": (uuid4(),),
    "elsewhere": {"town": 2},
    "named_in": 3,
    "key": "stays",
    "key_destroyed_at": datetime(2026, 11, 30, 10, tzinfo=UTC),
    "complete": False,
}
OTHER_RECORD = {
    "record": uuid4(),
    "item": "licence",
    "party": "housing",
    "deleted": False,
    "pending": ("nation",),
    "holders": (BUREAU.model_copy(update={"use_until": date(2026, 12, 31)}),),
}
NOT_SAID = {"rev"}
"""By which number a node was told: nothing that an operator acts on."""


@pytest.mark.parametrize("name", ErasureOut.model_fields)
def test_every_field_of_an_erasure_is_said(name: str):
    found = erasure(at=datetime(2026, 11, 30, 8, tzinfo=UTC), key="destroyed")
    assert shown(found.model_copy(update={name: OTHER[name]})) != shown(found)


@pytest.mark.parametrize("name", [name for name in ErasedRecordOut.model_fields if name not in NOT_SAID])
def test_every_field_of_a_record_that_is_erased_is_said(name: str):
    found = erasure()
    (record,) = found.records
    other = record.model_copy(update={name: OTHER_RECORD[name]})
    assert shown(found.model_copy(update={"records": (other,)})) != shown(found)


def test_whether_all_of_it_is_done_stands_in_the_last_line():
    assert outcome(erasure(key="stays")) == ("complete", "已全部办结")
    for line, words in zip(outcome(erasure(pending=("city",))) or (), ("not complete", "尚未全部办结"), strict=True):
        assert line.startswith(words)
    assert outcome(erasure(ordered=False, complete=None)) is None


def test_which_entry_it_is_stands_with_it():
    found = erasure(at=datetime(2026, 11, 30, 8, tzinfo=UTC))
    assert header(found) == f"{found.erasure}  2026-11-30T08:00:00Z  order  示1号  Reviewer Lan"


@pytest.mark.parametrize(
    ("found", "words", "not_words"),
    [
        (erasure(ordered=False, key="goes", complete=None), ("would be", "拟删除"), ("acknowledged", "已删除", "收讫")),
        (
            erasure(pending=("city", "nation"), key="goes"),
            ("0 deleted at this node", "not acknowledged by city, nation", "尚未收讫的为 city、nation"),
            ("均已收讫", "complete"),
        ),
        (
            erasure(key="goes"),
            ("deleted at this node", "every node and department", "均已收讫", "is destroyed some minutes after"),
            ("everywhere", "各处", "complete", "已完成", "not acknowledged"),
        ),
    ],
)
def test_an_erasure_is_said_to_be_done_when_it_is(
    found: ErasureOut, words: tuple[str, ...], not_words: tuple[str, ...]
):
    assert [word for word in words if word not in said(found)] == []
    assert [word for word in not_words if word in said(found)] == []


def test_what_an_order_does_not_reach_is_said_when_all_else_is_done():
    told = said(erasure(key="stays", elsewhere={"town": 2}, named_in=1))
    assert "alpha_credit 2026-12-30" in told.split(" / ")[0]
    assert "alpha_credit 2026-12-30" in told.split(" / ")[1]
    for words in ("town 2", "1 records or held rows about others", "key stays", "暂予保留"):
        assert words in told


@pytest.mark.parametrize(("key", "words"), [("destroyed", "密钥已销毁"), ("goes", "随之销毁"), (None, "未载明")])
def test_what_became_of_the_key_is_said_of_every_erasure(key: str | None, words: str):
    assert words in said(erasure(key=key))


def test_when_the_key_was_destroyed_is_said():
    at = datetime(2026, 11, 30, 8, 15, tzinfo=UTC)
    assert said(erasure(key="destroyed", key_destroyed_at=at)).count("2026-11-30T08:15:00Z") == 2


def test_an_order_for_held_rows_alone_says_nothing_of_records():
    told = said(erasure(records=(), held_rows=2, complete=True, key="goes"))
    assert "no record; 2 held rows: emptied" in told
    assert "every node" not in told
    assert "pending" not in told


def test_what_an_order_names_that_was_erased_before_is_said():
    told = said(erasure(erased_before=(uuid4(),)))
    assert "1 of those that are named were erased before" in told
    assert "1 条此前已删除" in told


def test_who_is_pending_stands_beside_the_record():
    (line,) = lines(erasure(pending=("city",)))
    assert line[-2:] == ("false", "city")
    (line,) = lines(erasure(ordered=False))
    assert line[-2:] == ("false", "-")
