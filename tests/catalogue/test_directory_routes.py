"""The directory as callers see it."""

import csv
import io
import zipfile
from datetime import date, timedelta

import jsonschema
import pytest

from creditmesh.chassis.caller import Caller
from creditmesh.schemas.catalogue import CodeSet, Item, Party
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK
from creditmesh.schemas.files.workbook import workbook_of
from creditmesh.schemas.publications import CatalogueOut
from tests.support.node import TestNode

OFFICE = Caller(
    kind="office", party="credit_office", officer="Officer Lin", scopes=frozenset({"catalogue:publish"}), credential="t"
)
READ = [
    "/v1/catalogue",
    "/v1/catalogue/items",
    "/v1/catalogue/items/administrative_penalty",
    "/v1/catalogue/items/administrative_penalty/versions",
    "/v1/catalogue/items/administrative_penalty/schema",
    "/v1/catalogue/items/administrative_penalty/template.csv",
    "/v1/catalogue/items/administrative_penalty/template.xlsx",
    "/v1/catalogue/lists",
    "/v1/catalogue/measures",
    "/v1/catalogue/matters",
    "/v1/catalogue/procedures",
    "/v1/catalogue/purposes",
    "/v1/catalogue/parties",
    "/v1/catalogue/code-sets/penalty_kind",
]


async def body(node: TestNode, path: str, **params):
    answer = await node.client("catalogue").get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", READ)
async def test_everybody_may_read_and_need_not_read_twice(shelf: TestNode, path: str):
    client = shelf.client("catalogue")
    first = await client.get(path)
    assert first.status_code == 200, first.text
    assert "public" in first.headers["cache-control"]
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": '"0-20200101", W/"other"'})).status_code == 200
    weak = {"If-None-Match": f'"x", W/{first.headers["etag"]}'}
    assert (await client.get(path, headers=weak)).status_code == 304


async def test_the_glance_counts_what_is_in_force_and_names_what_is_unverified(shelf: TestNode):
    glance = CatalogueOut.model_validate(await body(shelf, "/v1/catalogue"))
    assert glance.counts["item"] == 4
    assert glance.counts["measure"] == 5
    assert glance.counts["procedure"] == 2
    assert glance.unverified["procedure"] == ("objection", "repair")
    assert "administrative_penalty" in glance.unverified["item"]
    assert glance.unverified["party"] == ()
    assert glance.number == shelf.host.followed.number


async def test_before_the_catalogue_there_was_nothing(shelf: TestNode):
    glance = await body(shelf, "/v1/catalogue", as_of="2020-01-01")
    assert set(glance["counts"].values()) == {0}
    assert (await body(shelf, "/v1/catalogue/items", as_of="2020-01-01"))["items"] == []


async def test_items_are_found_by_a_word_in_either_language_and_by_kind(shelf: TestNode):
    async def found(**params):
        return [item["code"] for item in (await body(shelf, "/v1/catalogue/items", **params))["items"]]

    everything = ["administrative_licence", "administrative_penalty", "judgment_defaulter", "taxpayer_rating_a"]
    assert await found() == everything
    assert await found(q="处罚") == ["administrative_penalty"]
    assert await found(q=" PENALTY ") == ["administrative_penalty"]
    assert await found(kind="sole_trader") == everything[:2]
    assert await found(q="nothing like it") == []


async def test_pages_follow_one_another_without_a_gap(shelf: TestNode):
    codes, cursor = [], None
    while True:
        page = await body(shelf, "/v1/catalogue/parties", limit=3, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 3
        codes += [party["code"] for party in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert codes == sorted(set(codes))
    assert codes == [party["code"] for party in (await body(shelf, "/v1/catalogue/parties", limit=200))["items"]]


async def test_names_come_in_both_languages(shelf: TestNode):
    for path in ("lists", "measures", "matters", "procedures", "purposes", "parties", "items"):
        entries = (await body(shelf, f"/v1/catalogue/{path}"))["items"]
        assert entries, path
        for entry in entries:
            assert entry["name"]
            assert entry["name_zh"]


async def test_what_is_answered_are_the_contract_models(shelf: TestNode):
    Item.model_validate(await body(shelf, "/v1/catalogue/items/judgment_defaulter"))
    CodeSet.model_validate(await body(shelf, "/v1/catalogue/code-sets/document_kind"))
    for party in (await body(shelf, "/v1/catalogue/parties"))["items"]:
        Party.model_validate(party)


async def test_the_schema_takes_a_good_row_and_refuses_a_bad_one(shelf: TestNode):
    schema = await body(shelf, "/v1/catalogue/items/taxpayer_rating_a/schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    row = {
        "NSRMC": "示例市甲子商贸有限公司",
        "NSR_SHXYM": "91990000MA0000015Q",
        "PJND": "2025",
        "PJRQ": "2026-04-28",
        "SWJG": "示例市税务局",
        "SWJGDM": "11990000000000051M",
    }
    jsonschema.validate(row, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**row, "宗教信仰": "无"}, schema)


@pytest.mark.parametrize(("header", "first"), [("codes", "CF_XDR_MC"), ("zh", "行政相对人名称")])
async def test_the_template_has_the_items_columns_and_opens_in_a_spreadsheet(shelf: TestNode, header: str, first: str):
    path = "/v1/catalogue/items/administrative_penalty/template.csv"
    answer = await shelf.client("catalogue").get(path, params={"header": header})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "administrative_penalty.csv" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (columns,) = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert columns[0] == first
    item = shelf.host.followed.compiled("administrative_penalty", 1, on=shelf.host.clock.legal_date())
    assert item.names.columns(columns).codes == item.codes


async def test_the_workbook_to_fill_in_is_read_as_it_comes_and_lists_the_values_of_each_code(shelf: TestNode):
    answer = await shelf.client("catalogue").get("/v1/catalogue/items/administrative_penalty/template.xlsx")
    assert (answer.status_code, answer.headers["content-type"]) == (200, WORKBOOK)
    assert "administrative_penalty.xlsx" in answer.headers["content-disposition"]
    (columns,) = csv.reader(io.StringIO(workbook_of(answer.content).sheet.decode()))
    item = shelf.host.followed.compiled("administrative_penalty", 1, on=shelf.host.clock.legal_date())
    assert item.names.columns(columns).codes == item.codes
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        sheet, texts = (parts.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "sharedStrings"))
    assert sheet.count("<dataValidation ") == sum(spec.type == "code" for spec in item.item.fields)
    for code_set in item.sets.values():
        assert all(f">{each.name_zh}<" in texts for each in code_set.values if each.active)
    assert all(each.code in texts for each in item.item.fields), "each column is explained"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/catalogue/items/nowhere",
        "/v1/catalogue/items/nowhere/versions",
        "/v1/catalogue/items/nowhere/schema",
        "/v1/catalogue/items/nowhere/template.csv",
        "/v1/catalogue/items/nowhere/template.xlsx",
        "/v1/catalogue/items/%00",
        "/v1/catalogue/code-sets/nowhere",
        "/v1/catalogue/items/administrative_penalty?as_of=2020-01-01",
    ],
)
async def test_what_is_not_there_is_404_in_both_languages(shelf: TestNode, path: str):
    answer = await shelf.client("catalogue").get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unknown_object"
    assert answer.json()["detail"]
    assert answer.json()["detail_zh"]


@pytest.mark.parametrize(
    "params",
    [
        {"as_of": "yesterday"},
        {"as_of": "2026-02-30"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"cursor": "€"},
        {"cursor": "!!"},
        {"kind": "company"},
        {"q": "x" * 101},
    ],
)
async def test_parameters_that_make_no_sense_are_refused(shelf: TestNode, params: dict):
    answer = await shelf.client("catalogue").get("/v1/catalogue/items", params=params)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["title_zh"]


async def test_the_office_withdraws_an_item_and_the_answers_change(stocked: TestNode):
    path = "/v1/catalogue/items/administrative_penalty"
    before = await stocked.client("catalogue").get(path)
    office = stocked.client("catalogue", OFFICE)
    answer = await office.post(
        f"{path}/withdraw", json={"basis": "repealed"}, headers={"If-Match": before.headers["etag"]}
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["number"]) == ("withdrawn", 2)
    await stocked.settled()
    gone = await stocked.client("catalogue").get(path, headers={"If-None-Match": before.headers["etag"]})
    assert gone.status_code == 404
    history = (await body(stocked, f"{path}/versions"))["items"]
    assert [(version["number"], version["state"], version["basis"]) for version in history] == [
        (1, "published", None),
        (2, "withdrawn", "repealed"),
    ]
    assert history[1]["item"]["code"] == "administrative_penalty"
    stale = await office.post(
        f"{path}/withdraw", json={"basis": "repealed"}, headers={"If-Match": before.headers["etag"]}
    )
    assert stale.status_code == 412


@pytest.mark.parametrize(
    "caller",
    [
        None,
        Caller(kind="office", party="credit_office", scopes=frozenset(), credential="t"),
        Caller(kind="department", party="tax", scopes=frozenset({"catalogue:publish"}), credential="t"),
    ],
    ids=["public", "without the scope", "a department"],
)
async def test_nobody_else_withdraws(shelf: TestNode, caller: Caller | None):
    path = "/v1/catalogue/items/administrative_penalty/withdraw"
    answer = await shelf.client("catalogue", caller).post(path, json={"basis": "repealed"})
    assert answer.status_code == 403
    assert shelf.host.followed.withdrawn(date.max) == frozenset()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"basis": ""}', 422),
        (b'{"basis": "x", "effective": "2026-02-30"}', 422),
        (b'{"basis": "x", "effective": "2020-01-01"}', 422),
        (b'{"basis": "x", "more": 1}', 422),
        (b'{"basis": "\xff"}', 400),
        (b'{"basis": "\\ud800"}', 422),
        (b'{"basis": "a\\u0000b"}', 422),
    ],
)
async def test_a_withdrawal_that_makes_no_sense_is_refused(shelf: TestNode, content: bytes, status: int):
    path = "/v1/catalogue/items/administrative_penalty/withdraw"
    answer = await shelf.client("catalogue", OFFICE).post(
        path, content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["title_zh"]
    assert shelf.host.followed.withdrawn(date.max) == frozenset()


async def test_withdrawing_what_is_not_there_is_404(shelf: TestNode):
    answer = await shelf.client("catalogue", OFFICE).post("/v1/catalogue/items/nowhere/withdraw", json={"basis": "x"})
    assert answer.status_code == 404


async def test_the_operator_moves_the_clock_and_reads_it(empty: TestNode):
    operator = empty.operator()
    before = date.fromisoformat((await operator.get("/v1/admin/clock")).json()["legal_date"])
    moved = await operator.post("/v1/admin/clock", json={"offset_days": 365})
    assert date.fromisoformat(moved.json()["legal_date"]) == before + timedelta(days=365)
    await empty.settled()
    assert (await operator.get("/v1/admin/clock")).json() == moved.json()
    for days in (10**9, "many", None):
        assert (await operator.post("/v1/admin/clock", json={"offset_days": days})).status_code == 422


async def test_the_operator_is_told_what_is_wrong_with_a_folder(empty: TestNode):
    answer = await empty.operator().post("/v1/admin/catalogue", json={"folder": "/nowhere"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "unreadable_folder"


async def test_the_operators_routes_are_not_on_the_public_side(shelf: TestNode):
    for method, path in (("POST", "/v1/admin/catalogue"), ("POST", "/v1/admin/clock"), ("GET", "/v1/admin/clock")):
        assert (await shelf.client("catalogue", OFFICE).request(method, path, json={})).status_code == 404
