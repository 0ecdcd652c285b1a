"""The directory: what may be collected, by whom, on what basis; lists, measures, matters, procedures, parties."""

from typing import Annotated, Literal

import orjson
from fastapi import Query, Response

from creditmesh.catalogue.api.reading import Looked, Reading, page
from creditmesh.catalogue.errors import UnknownObject
from creditmesh.catalogue.template import template_xlsx
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import Router
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import CodeSet, CreditList, Item, Matter, Measure, Party, Procedure, Purpose
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK
from creditmesh.schemas.histories import MODELS
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.publications import CatalogueOut, ItemEntry, ItemVersion

router = Router()
_SCHEMA = "application/schema+json"
BOM = "\ufeff"
_FILE = {"type": "string", "format": "binary"}
"""Without it spreadsheet programs read a UTF-8 file as something else."""


@router.get("/v1/catalogue", access=AccessPolicy.public(), response_model=CatalogueOut)
async def get_catalogue(look: Looked) -> Response:
    """The catalogue at a glance: its number, how many objects are in force, and what no source has confirmed yet.

    `GET /v1/catalogue` with `If-None-Match: "<ETag of the last answer>"` costs next to nothing: 304 until it changes.
    """
    return look.answer(lambda: _glance(look))


@router.get("/v1/catalogue/items", access=AccessPolicy.public(), response_model=Page[ItemEntry])
async def list_items(
    look: Looked,
    q: Annotated[str | None, Query(max_length=100, description="A part of the code or of a name.")] = None,
    kind: SubjectKind | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The items in force, by code: all, or those that a word and a kind of subject leave.

    `GET /v1/catalogue/items?q=处罚&kind=natural_person&as_of=2026-04-01`
    """
    found = [ItemEntry.of(item) for item in look.all("item", Item) if _fits(item, q, kind)]
    return look.answer(lambda: page(found, code=lambda entry: entry.code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/items/{code}", access=AccessPolicy.public(), response_model=Item)
async def get_item(look: Looked, code: str) -> Response:
    """One item whole: basis, fields, roles, disclosure, severity, display period, repair.

    `GET /v1/catalogue/items/administrative_penalty`
    """
    found = _item(look, code)
    return look.answer(lambda: found)


@router.get("/v1/catalogue/items/{code}/versions", access=AccessPolicy.public(), response_model=Page[ItemVersion])
async def list_item_versions(look: Looked, code: str) -> Response:
    """The item's history, oldest first, withdrawals included, whatever the day.

    `GET /v1/catalogue/items/administrative_penalty/versions`
    """
    found = [
        ItemVersion(number=v.number, state=v.state, effective=v.effective, basis=v.basis, item=v.body)
        for v in look.directory.versions("item", code)
    ]
    if not found:
        raise _unknown()
    return look.answer(lambda: Page[ItemVersion](items=tuple(found)))


@router.get(
    "/v1/catalogue/items/{code}/schema",
    access=AccessPolicy.public(),
    response_class=Response,
    responses={200: {"description": "A JSON Schema", "content": {_SCHEMA: {"schema": {"type": "object"}}}}},
)
async def get_item_schema(look: Looked, code: str) -> Response:
    """The item's JSON Schema: what one row must be to pass the first check.

    `GET /v1/catalogue/items/administrative_penalty/schema`
    """
    compiled = look.directory.compiled(code, _item(look, code).number, on=look.as_of)
    return look.text(lambda: orjson.dumps(compiled.json_schema()).decode(), media=_SCHEMA)


@router.get(
    "/v1/catalogue/items/{code}/template.csv",
    access=AccessPolicy.public(),
    response_class=Response,
    responses={200: {"description": "The header alone", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_item_template(look: Looked, code: str, header: Literal["codes", "zh"] = "codes") -> Response:
    """An empty file with the item's header, as codes or in Chinese; both are read, and so are the fields' other names.

    `GET /v1/catalogue/items/administrative_penalty/template.csv?header=zh`
    """
    compiled = look.directory.compiled(code, _item(look, code).number, on=look.as_of)
    return look.text(lambda: BOM + compiled.template_csv(header), media="text/csv; charset=utf-8", name=f"{code}.csv")


@router.get(
    "/v1/catalogue/items/{code}/template.xlsx",
    access=AccessPolicy.public(),
    response_class=Response,
    responses={200: {"description": "A workbook to fill in", "content": {WORKBOOK: {"schema": _FILE}}}},
)
async def get_item_workbook(look: Looked, code: str) -> Response:
    """A workbook to fill in: the header in Chinese, lists to choose codes from, and a sheet that explains each column.

    `GET /v1/catalogue/items/administrative_penalty/template.xlsx`
    """
    compiled = look.directory.compiled(code, _item(look, code).number, on=look.as_of)
    return look.text(lambda: template_xlsx(compiled.collected, compiled.sets), media=WORKBOOK, name=f"{code}.xlsx")


@router.get("/v1/catalogue/lists", access=AccessPolicy.public(), response_model=Page[CreditList])
async def list_credit_lists(look: Looked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The red and black lists in force."""
    return look.answer(lambda: page(look.all("list", CreditList), code=_code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/measures", access=AccessPolicy.public(), response_model=Page[Measure])
async def list_measures(look: Looked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The rewards and restrictions in force; none is lawful beside them."""
    return look.answer(lambda: page(look.all("measure", Measure), code=_code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/matters", access=AccessPolicy.public(), response_model=Page[Matter])
async def list_matters(look: Looked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """What departments do for subjects: which items they may read for it, which measures they must check."""
    return look.answer(lambda: page(look.all("matter", Matter), code=_code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/procedures", access=AccessPolicy.public(), response_model=Page[Procedure])
async def list_procedures(look: Looked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The clocks of each kind of case in working days: acceptance, decision, appeal, review; what it needs."""
    return look.answer(lambda: page(look.all("procedure", Procedure), code=_code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/purposes", access=AccessPolicy.public(), response_model=Page[Purpose])
async def list_purposes(look: Looked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The closed list of reasons to ask about a subject, each with its ground."""
    return look.answer(lambda: page(look.all("purpose", Purpose), code=_code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/parties", access=AccessPolicy.public(), response_model=Page[Party])
async def list_parties(look: Looked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The departments, bureaus, nodes and associations that take part, with their duties."""
    return look.answer(lambda: page(look.all("party", Party), code=_code, limit=limit, cursor=cursor))


@router.get("/v1/catalogue/code-sets/{name}", access=AccessPolicy.public(), response_model=CodeSet)
async def get_code_set(look: Looked, name: str) -> Response:
    """One code set: its values, and what else is read as each.

    `GET /v1/catalogue/code-sets/penalty_kind`
    """
    found = look.directory.code_set(name, on=look.as_of)
    if found is None:
        raise _unknown()
    return look.answer(lambda: found)


def _glance(look: Reading) -> CatalogueOut:
    objects = {kind: look.directory.objects(kind, on=look.as_of) for kind in MODELS}
    return CatalogueOut(
        number=look.directory.number,
        as_of=look.as_of,
        counts={kind: len(found) for kind, found in objects.items()},
        unverified={
            kind: tuple(body.code for body in found if not getattr(body, "verified", True))
            for kind, found in objects.items()
        },
    )


def _fits(item: Item, q: str | None, kind: SubjectKind | None) -> bool:
    words = (q or "").casefold().strip()
    named = any(words in text.casefold() for text in (item.code, item.name, item.name_zh))
    return named and (kind is None or kind in item.kinds)


def _item(look: Reading, code: str) -> Item:
    found = look.directory.item(code, on=look.as_of)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> UnknownObject:
    return UnknownObject(
        "Look it up in the lists under /v1/catalogue; an item's history is under its /versions.",
        "请在 /v1/catalogue 下的目录中查询；条目历史见其 /versions。",
    )


def _code(body: CreditList | Measure | Matter | Procedure | Purpose | Party) -> str:
    return body.code
