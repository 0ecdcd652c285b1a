"""A personal value shows itself to nobody by accident."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import orjson
import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from creditmesh.schemas.pii import REVEAL, Pii
from creditmesh.schemas.subject import Document, SubjectIn

NUMBER = "990000199001010017"
VALUE = Pii(NUMBER)


class Holder(BaseModel):
    number: Pii


@dataclass
class Row:
    number: Pii


@pytest.mark.parametrize(
    "printed",
    [
        str(VALUE), repr(VALUE), f"{VALUE}", f"{VALUE!r:>8}", "%s" % (VALUE,), "{}".format(VALUE), ascii(VALUE),  # noqa: UP031, UP032
        repr([VALUE]), repr({"a": VALUE}), repr(Holder(number=VALUE)), str(Holder(number=VALUE)), repr(Row(VALUE)),
        repr(SubjectIn(kind="natural_person", document=Document(type="passport", number=VALUE))),
    ],
)  # fmt: skip
def test_printed_in_any_way_it_is_three_stars(printed: str):
    assert NUMBER not in printed
    assert "***" in printed


def test_it_is_not_pickled_nor_copied_out(tmp_path):
    for thing in (VALUE, [VALUE], Row(VALUE), Holder(number=VALUE)):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(thing)
        with pytest.raises(TypeError, match="not pickled"):
            copy.deepcopy(thing)


@pytest.mark.parametrize("dumped", [json.dumps, orjson.dumps])
def test_it_is_not_json_by_itself(dumped):
    with pytest.raises(TypeError):
        dumped({"number": VALUE})


def test_a_model_that_holds_one_is_not_serialised():
    for write in (Holder.model_dump_json, Holder.model_dump, lambda holder: holder.model_dump(mode="json")):
        with pytest.raises((PydanticSerializationError, ValueError)) as caught:
            write(Holder(number=VALUE))
        assert NUMBER not in str(caught.value)


def test_only_who_says_so_writes_it_out():
    assert Holder(number=VALUE).model_dump(mode="json", context=REVEAL) == {"number": NUMBER}
    with pytest.raises((PydanticSerializationError, ValueError)):
        Holder(number=VALUE).model_dump(mode="json", context={"reveal": False})


def test_a_value_that_was_taken_is_not_in_the_models_repr():
    holder = Holder.model_validate({"number": NUMBER})
    assert holder.number.reveal() == NUMBER
    assert NUMBER not in repr(holder.__dict__)


@pytest.mark.parametrize("given", [17, None, {"a": NUMBER}, [NUMBER], NUMBER * 40])
def test_what_is_no_text_is_refused(given: object):
    with pytest.raises(ValidationError):
        Holder.model_validate({"number": given})


def test_a_traceback_and_a_library_log_do_not_show_it(caplog: pytest.LogCaptureFixture):
    shown = "".join(traceback.format_exception(ValueError(VALUE)))
    logging.getLogger("x").warning("value %s %r", VALUE, VALUE)
    assert NUMBER not in shown + caplog.text


def test_it_is_known_by_its_value():
    assert Pii(NUMBER) == VALUE
    assert hash(Pii(NUMBER)) == hash(VALUE)
    assert Pii("other") != VALUE
    assert VALUE != NUMBER
    assert VALUE
    assert not Pii("")
    assert not hasattr(VALUE, "__dict__")
