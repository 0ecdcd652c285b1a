"""What readers remember is bounded in bytes, whoever sends them what."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from creditmesh.schemas.catalogue import CodeSet, CodeValue
from creditmesh.schemas.rules.coded import codes_reader
from creditmesh.schemas.rules.dates import read_date
from creditmesh.schemas.rules.values import decimal_reader

OPEN = CodeSet(
    code="kinds",
    name="Kinds",
    name_zh="种类",
    open=True,
    values=(CodeValue(value="警告", name="Warning", name_zh="警告"),),
)
LONG = 20_000
READERS: dict[str, tuple[Callable[[str], str | None], Callable[[int], str]]] = {
    "date": (read_date, lambda n: f"2026-05-12{' ' * LONG}{n}"),
    "decimal": (decimal_reader(None, None), lambda n: "0" * LONG + str(n)),
    "codes": (codes_reader(OPEN), lambda n: f"警告;其他-{'x' * LONG}{n}"),
}


@pytest.mark.parametrize("name", READERS)
def test_long_texts_are_not_remembered(name: str):
    read, text = READERS[name]
    read(text(0))
    gc.collect()
    tracemalloc.start()
    try:
        for n in range(30):
            read(text(n))
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 10 * LONG
    finally:
        tracemalloc.stop()


def test_no_date_and_no_amount_is_longer_than_it_can_be_written():
    assert read_date("２０２６年１２月３１日 00:00:00.000") == "2026-12-31"
    assert read_date("2026-05-12" + "0" * 31) is None
    amounts = decimal_reader(None, None)
    assert amounts("0" * 60 + "1.50") == "1.5"
    assert amounts("0" * 64 + "1") is None


def test_many_kinds_in_one_text_are_still_read():
    assert codes_reader(OPEN)(";".join(f"其他-{n}" for n in range(100))) == ";".join(f"其他-{n}" for n in range(100))
