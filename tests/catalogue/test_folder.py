"""A folder that is no catalogue says which file is wrong, and how."""

import re
from pathlib import Path

import pytest

from creditmesh.catalogue import folder
from creditmesh.catalogue.errors import UnreadableFolder

PURPOSE = "code: {code}\nname: Duty\nname_zh: 职责\nground: statutory\ncallers: [department]\n"


def written(tmp_path: Path, text: str, name: str = "duty") -> Path:
    (tmp_path / "purposes").mkdir(exist_ok=True)
    (tmp_path / "purposes" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def refused(path: Path) -> list[str]:
    with pytest.raises(UnreadableFolder) as refusal:
        folder.read(path)
    return [error.pointer for error in refusal.value.errors]


def test_a_folder_of_one_object_is_read(tmp_path: Path):
    (entry,) = folder.read(written(tmp_path, PURPOSE.format(code="duty")))
    assert (entry.kind, entry.code) == ("purpose", "duty")


def test_an_empty_folder_is_no_catalogue(tmp_path: Path):
    assert refused(tmp_path) == []


@pytest.mark.parametrize("text", ["a: [", "code: other\n", "\x00", "- 1\n", ""])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str):
    assert all(pointer.startswith("/purposes/duty.yaml") for pointer in refused(written(tmp_path, text)))


def test_a_file_is_named_like_its_object(tmp_path: Path):
    assert refused(written(tmp_path, PURPOSE.format(code="duty"), name="right")) == ["/purposes/right.yaml"]


def test_a_key_nobody_knows_is_named(tmp_path: Path):
    assert refused(written(tmp_path, PURPOSE.format(code="duty") + "grounds: x\n")) == ["/purposes/duty.yaml/grounds"]


@pytest.mark.parametrize(
    "text", ["a: [", PURPOSE.format(code="other"), "code: duty\n", PURPOSE.format(code=7) + "x: 1\n"]
)
def test_what_is_wrong_is_said_in_chinese_without_english_words(tmp_path: Path, text: str):
    with pytest.raises(UnreadableFolder) as refusal:
        folder.read(written(tmp_path, text))
    for error in refusal.value.errors:
        words = re.sub(r"UTF-8|YAML|(ParserError|ReaderError)|(right|other|duty)(\.yaml)?", "", error.detail_zh)
        assert not re.search("[a-zA-Z]", words), error.detail_zh


PARTY = "code: town\nname: Town\nname_zh: 镇\nkind: {kind}\nuscc: '{uscc}'\n"


@pytest.mark.parametrize(
    ("kind", "uscc", "pointer", "says"),
    [("bureaux", "129900000000000865", "kind", ("department", "bureau")), ("node", "1299", "uscc", ("18",))],
)
def test_a_value_that_is_none_is_answered_with_those_that_are_in_both_languages(
    tmp_path: Path, kind: str, uscc: str, pointer: str, says: tuple[str, ...]
):
    (tmp_path / "parties").mkdir()
    (tmp_path / "parties" / "town.yaml").write_text(PARTY.format(kind=kind, uscc=uscc), encoding="utf-8")
    with pytest.raises(UnreadableFolder) as refusal:
        folder.read(tmp_path)
    (error,) = refusal.value.errors
    assert error.pointer == f"/parties/town.yaml/{pointer}"
    for text in (error.detail, error.detail_zh):
        assert [each for each in says if each not in text] == []
        assert not {"named", "^", "文件名"} & set(text.split()), text


def test_the_name_of_a_file_is_spoken_of_where_it_is_wrong(tmp_path: Path):
    with pytest.raises(UnreadableFolder) as refusal:
        folder.read(written(tmp_path, PURPOSE.format(code="duty"), name="right"))
    (error,) = refusal.value.errors
    assert ("duty.yaml" in error.detail, "duty.yaml" in error.detail_zh) == (True, True)


def test_a_code_that_yaml_takes_for_a_number_is_to_be_put_between_quotes(tmp_path: Path):
    (tmp_path / "parties").mkdir()
    text = "code: town\nname: Town\nname_zh: 镇\nkind: node\nuscc: 129900000000000865\n"
    (tmp_path / "parties" / "town.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFolder) as refusal:
        folder.read(tmp_path)
    (error,) = refusal.value.errors
    assert error.pointer == "/parties/town.yaml/uscc"
    assert "between quotes" in error.detail
    assert "引号" in error.detail_zh


def test_every_file_that_is_wrong_is_named(tmp_path: Path):
    written(tmp_path, "a: [", name="one")
    written(tmp_path, "b: [", name="two")
    assert refused(tmp_path) == ["/purposes/one.yaml", "/purposes/two.yaml"]


def test_the_shipped_folder_is_read_in_the_order_of_its_subfolders():
    kinds = [entry.kind for entry in folder.read(folder.shipped())]
    assert list(dict.fromkeys(kinds)) == [kind for kind in folder.SUBFOLDERS.values() if kind != "party"]


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path):
    text = PURPOSE.format(code="duty") + "name: Another\n"
    with pytest.raises(UnreadableFolder) as refusal:
        folder.read(written(tmp_path, text))
    [error] = refusal.value.errors
    assert (error.pointer, "Line 6" in error.detail, "第 6 行" in error.detail_zh) == (
        "/purposes/duty.yaml",
        True,
        True,
    )
    nested = PURPOSE.format(code="duty") + "basis: {law: A, law: B}\n"
    assert refused(written(tmp_path, nested)) == ["/purposes/duty.yaml"]
