"""On a real node nothing is collected of an item that nobody compared with the law."""

from creditmesh.schemas.catalogue import Item
from tests.ingestion.conftest import Catalogue, House, department
from tests.ingestion.rows import items, lists, penalty
from tests.ingestion.test_records import correct, read
from tests.ingestion.test_reviews import decide, held


def doubted(item: Item) -> Item:
    """The item with no basis that somebody confirmed."""
    basis = tuple(each.model_copy(update={"verified": False}) for each in item.basis)
    return item.model_copy(update={"basis": basis, "verified": False, "number": 2})


async def test_no_row_of_an_item_without_a_confirmed_basis_is_taken_and_what_stands_is_corrected(house: House):
    catalogue, item = house.equipment.followed, items()["administrative_penalty"]
    assert isinstance(catalogue, Catalogue)
    row = penalty(house.number())
    record = (await house.submit(row)).json()["record"]
    catalogue.tell("item", doubted(item), number=2)
    before = await house.count()
    for body, more in ((penalty(house.number()), {}), ([penalty(house.number())], {"key": "unconfirmed"})):
        answer = await house.submit(body, **more)
        assert (answer.status_code, answer.json()["code"]) == (409, "unconfirmed_item")
        assert "verified" in answer.json()["detail"]
        assert "核对" in answer.json()["detail_zh"]
    assert await house.count() == before
    opened = (await read(house, record)).json()
    assert opened["fields"]["CF_SY"] == row["CF_SY"], "who has to correct it sees what it says"
    answer = await correct(house, record, row | {"CF_SY": "更正后的事实。"})
    assert answer.status_code == 201, answer.text
    catalogue.tell("item", item.model_copy(update={"number": 3}), number=3)
    assert (await house.submit(penalty(house.number()))).status_code == 201


async def test_what_was_held_of_it_before_is_not_released_into_a_record_and_may_be_refused(house: House):
    catalogue, item = house.equipment.followed, items()["administrative_penalty"]
    assert isinstance(catalogue, Catalogue)
    review, _ = await held(house)
    catalogue.tell("item", doubted(item), number=2)
    before = await house.count()
    answer = await decide(house, review)
    assert (answer.status_code, answer.json()["code"]) == (409, "unconfirmed_item")
    assert await house.count() == before
    assert (await decide(house, review, "refuse", note="目录条目尚未核实")).status_code == 200
    catalogue.tell("item", item.model_copy(update={"number": 3}), number=3)


async def test_nor_of_one_that_puts_its_subject_on_a_list_that_nobody_confirmed(house: House):
    catalogue, listing = house.equipment.followed, lists()["judgment_defaulters"]
    assert isinstance(catalogue, Catalogue)
    before = await house.submit({}, item="judgment_defaulter")
    assert before.json()["code"] == "not_authorised"
    court = {"caller": department("court"), "item": "judgment_defaulter"}
    assert (await house.submit({"INAME": "某"}, **court)).json()["code"] == "refused"
    catalogue.tell("list", listing.model_copy(update={"verified": False}), number=2)
    assert (await house.submit({"INAME": "某"}, **court)).json()["code"] == "unconfirmed_item"
    catalogue.tell("list", listing, number=3)
    assert (await house.submit({"INAME": "某"}, **court)).json()["code"] == "refused"
