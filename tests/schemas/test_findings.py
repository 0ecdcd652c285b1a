"""What a model finds is said with the values that are allowed, in both languages, and never with what was sent."""

from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError

from creditmesh.schemas.findings import texts_of
from creditmesh.schemas.listing import MOST_LISTED, listed
from creditmesh.schemas.records import CorrectionIn, WithdrawalIn


def texts(model: type[BaseModel], **given: object) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    (found,) = caught.value.errors()
    return texts_of(found)


def test_a_reason_that_is_none_is_answered_with_those_there_are():
    said, said_zh = texts(WithdrawalIn, reason="cancelled-7")
    assert said == "Not one of the values allowed here: changed, revoked, unlawful, void, removed, error."
    assert said_zh == "取值须为：changed；revoked；unlawful；void；removed；error。"
    assert "reopened" in texts(CorrectionIn, fields={}, reason="cancelled-7")[1]
    assert "cancelled" not in said + said_zh


def test_of_many_values_the_first_are_listed_and_where_all_are():
    few, many = [f"v{n}" for n in range(MOST_LISTED)], [f"v{n}" for n in range(MOST_LISTED + 1)]
    assert listed(few) == (", ".join(few), "；".join(few))
    assert listed(many, at="/v1/there") == (
        ", ".join(few) + ", … (all: /v1/there)",
        "；".join(few) + "……（全部见 /v1/there）",
    )


def test_a_value_with_or_in_it_is_one_value():
    class Odd(BaseModel):
        word: Literal["this or that", "other"]

    assert texts(Odd, word="x")[1] == "取值须为：this or that；other。"
