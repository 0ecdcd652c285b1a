"""What the operator reads of an erasure: what would go, what is still to go, and only in the end that it is gone."""

from uuid import uuid4

import pytest

from creditmesh.node.erasing import lines, summary
from creditmesh.schemas.erasures import ErasedRecordOut, ErasureOut


def erasure(*, ordered: bool, complete: bool) -> ErasureOut:
    pending = () if complete else ("city",)
    record = ErasedRecordOut(record=uuid4(), rev=2, item="penalty", party="court", deleted=complete, pending=pending)
    return ErasureOut(
        erasure=uuid4() if ordered else None, officer="Reviewer Lan", ground="order", basis="示1号", records=(record,),
        complete=complete,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stands", "words", "not_words"),
    [
        ({"ordered": False, "complete": False}, ("would be erased", "拟删除"), ("are deleted", "已在")),
        (
            {"ordered": True, "complete": False},
            ("will be deleted", "将被删除", "not complete", "尚未完成"),
            ("are deleted", "are erased", "已在"),
        ),
        (
            {"ordered": True, "complete": True},
            ("deleted everywhere", "complete", "已完成"),
            ("will be", "not complete"),
        ),
    ],
)
def test_an_erasure_is_said_to_be_done_when_it_is(
    stands: dict[str, bool], words: tuple[str, ...], not_words: tuple[str, ...]
):
    said = " / ".join(summary(erasure(**stands)))
    assert [word for word in words if word not in said] == []
    assert [word for word in not_words if word in said] == []


def test_who_is_pending_stands_beside_the_record():
    (line,) = lines(erasure(ordered=True, complete=False))
    assert line[-2:] == ("false", "city")


def test_what_an_order_names_that_was_erased_before_is_said_and_so_is_a_key_that_is_gone():
    found = erasure(ordered=True, complete=True)
    told = found.model_copy(update={"erased_before": (uuid4(),), "key": "destroyed"})
    english, chinese = summary(told)
    assert "1 of those that are named were erased before" in english
    assert "their key is destroyed" in english
    assert "此前已删除" in chinese
    assert "其密钥已销毁" in chinese
