"""What a model finds is said with the values that are allowed, in both languages, and never with what was sent."""

import ast
import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from creditmesh.schemas.findings import RULES, of_one_fault, place_of, texts_of
from creditmesh.schemas.listing import MOST_LISTED, listed
from creditmesh.schemas.problems import read_aloud
from creditmesh.schemas.records import CorrectionIn, WithdrawalIn
from creditmesh.schemas.subject import SubjectIn
from creditmesh.schemas.text_forms import FORMS


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


class _One(BaseModel):
    kind: Literal["department", "bureau"]
    scopes: Annotated[tuple[Literal["a", "b"], ...], Field(min_length=1)]


class _Other(BaseModel):
    kind: Literal["operator"]


def test_of_one_fault_one_line_is_said():
    with pytest.raises(ValidationError) as caught:
        _One.model_validate({"kind": "bureau", "scopes": ["c"]})
    assert [each["loc"] for each in of_one_fault(caught.value.errors())] == [("scopes", 0)]
    with pytest.raises(ValidationError) as caught:
        _One.model_validate({"kind": "bureau", "scopes": []})
    assert [each["type"] for each in of_one_fault(caught.value.errors())] == ["too_short"]


def test_of_a_type_of_ours_that_is_read_from_a_text_one_line_is_said_and_no_name_of_pydantics():
    with pytest.raises(ValidationError) as found:
        SubjectIn.model_validate({"kind": "organisation", "document": {"type": "uscc", "number": 7}})
    [fault] = of_one_fault(found.value.errors(include_input=False))
    assert (place_of(fault), texts_of(fault)[0]) == (("document", "number"), "A text is needed.")


def test_of_a_kind_that_is_none_the_field_is_named_and_the_kinds_that_there_are():
    orders = TypeAdapter(Annotated[_One | _Other, Field(discriminator="kind")])
    for given, said in (({"kind": "nobody"}, "department, bureau, operator."), ({}, "This is required.")):
        with pytest.raises(ValidationError) as caught:
            orders.validate_python(given)
        (found,) = caught.value.errors()
        assert place_of(found) == ("kind",)
        assert texts_of(found)[0].endswith(said)


def test_of_every_pattern_the_form_is_said_in_words_of_both_languages():
    written = {each for text in SOURCES for each in re.findall(r'pattern=r?"([^"]+)"', text)}
    assert len(written) > 10
    assert written - set(FORMS) == set()
    assert [each for each, texts in FORMS.items() if any(each in text for text in texts)] == []


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


SOURCES = [path.read_text(encoding="utf-8") for folder in ("schemas", "chassis", "services", "gateway")
           for path in Path(folder).rglob("*.py")]  # fmt: skip


def test_every_finding_of_our_own_says_its_remedy():
    own = {code for text in SOURCES for code in re.findall(r'PydanticCustomError\(\s*"(\w+)"', text)}
    assert "records_needed" in own
    assert own <= set(RULES)


def test_what_a_model_of_ours_refuses_has_a_text_of_its_own():
    silent = []
    for tree in map(ast.parse, SOURCES):
        made = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) in VALIDATORS]
        named = {argument.id for call in made for argument in call.args if isinstance(argument, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (node.name in named or any(map(_validates, node.decorator_list))):
                silent += [node.name for each in ast.walk(node) if isinstance(each, ast.Raise) and _plain(each)]
    assert silent == []


VALIDATORS = {"AfterValidator", "BeforeValidator", "PlainValidator", "WrapValidator"}


def _called(node: ast.expr) -> str:
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


def _validates(node: ast.expr) -> bool:
    return _called(node) in {"model_validator", "field_validator"}


def _plain(node: ast.Raise) -> bool:
    return _called(node.exc) in {"ValueError", "AssertionError"} if node.exc else False


def test_a_detail_that_only_points_at_errors_is_not_read_aloud_above_them():
    said = [text for source in SOURCES for text in re.findall(r'"(See errors[^"]*|[^" ]+见 errors[^"]*)"', source)]
    assert len(said) > 10
    assert [text for text in said if read_aloud(text, errors=True)] == []
    assert read_aloud("See errors.", errors=False) == "See errors."
    assert read_aloud("The row is refused.", errors=True) == "The row is refused."


def test_no_value_of_the_shipped_code_sets_has_the_mark_that_stands_between_them():
    sets = Path("services/catalogue/src/creditmesh/catalogue/data/code_sets").glob("*.yaml")
    values = [each for path in sets for each in yaml.safe_load(path.read_text(encoding="utf-8"))["values"]]
    assert len(values) > 50
    assert [each for each in values if "；" in str(each["value"])] == []
