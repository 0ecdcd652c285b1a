"""Rows as another tier has accepted them: the quick way and the examination find the same."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules.compile import compile_item
from creditmesh.schemas.rules.kept import KeptRows
from tests.schemas.samples import FIRM, FORBIDDEN, ITEM, PERSON, SETS

compiled = compile_item(ITEM, SETS, (FORBIDDEN,))
rows = KeptRows(compiled.names, compiled._columns)
values = st.one_of(
    st.sampled_from(
        ["", " ", " 罚款", "罚款;外星", "2026-02-30", "0.20", "0.2", "甲\u200b乙", "a\0", "字" * 4000, ";"]
    ),
    st.text(max_size=30),
    st.none(),
    st.integers(),
    st.booleans(),
)
names = st.one_of(st.sampled_from([*compiled.codes, *(spec.name_zh for spec in ITEM.fields)]), st.text(max_size=8))


@given(st.sampled_from([FIRM, PERSON]), st.dictionaries(names, values, max_size=4))
def test_the_quick_way_and_the_examination_find_the_same(base: dict[str, str], changed: dict[str, Any]):
    fields = {**base, **changed}
    found, examined = rows.read(fields), rows.examine(fields)
    assert found == examined
    assert list(found) == list(examined)


@pytest.mark.parametrize("base", [FIRM, PERSON])
def test_a_row_as_it_is_stored_is_read_the_quick_way_in_catalogue_order(base: dict[str, str]):
    with patch.object(KeptRows, "examine", side_effect=AssertionError("it was examined")):
        found = compiled.validate_kept(dict(sorted(base.items())))
    assert found == base
    assert list(found) == [code for code in compiled.codes if code in base]
