"""Keeping the catalogue: withdrawing by the credit office; loading and the sandbox's clock by the operator."""

import re
from pathlib import Path

from fastapi import Request

from creditmesh.catalogue import folder, operations
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.errors import Stale
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.publications import ClockIn, ClockOut, LoadIn, LoadOut, PublicationOut, WithdrawIn

router = Router()


@router.post("/v1/catalogue/items/{code}/withdraw", access=AccessPolicy.to("office", scope="catalogue:publish"))
async def withdraw_item(ctx: Ctx, request: Request, code: str, body: WithdrawIn) -> PublicationOut:
    """Take an item out of the catalogue: from the day on nothing of it is collected, shown or shared; records stay.

    `POST /v1/catalogue/items/administrative_licence/withdraw` `{"basis": "...", "effective": "2027-01-01"}`.
    The same again changes nothing. With `If-Match` (the ETag of the directory's answers) it is refused, 412, if the
    catalogue has changed since.
    """
    _fresh(ctx, request.headers.get("if-match"))
    row = await operations.withdraw(ctx, "item", code, basis=body.basis, effective=body.effective)
    return _out(row)


@router.post("/v1/admin/catalogue", access=AccessPolicy.inside())
async def load_catalogue(ctx: Ctx, body: LoadIn) -> LoadOut:
    """Publish a folder of YAML, or the shipped catalogue: what is unchanged is left alone, all of it or nothing.

    What this node narrowed or confirmed is published again over the shipped catalogue's new version
    (`repeated`) where it still allows no more; what that replaced is named (`gave_way`), and so are the fields of
    standing items that a ban which has grown forbids (`forbidden`). An object of this node's own under a shipped code
    refuses all of it (`own_code`), unless it is named: `{"replace": ["item/student_conduct"]}`. With
    `"dry_run": true` nothing is published.
    `POST /v1/admin/catalogue` `{"folder": "/etc/creditmesh/catalogue", "issued_by": "city"}`; `{"place": "shenzhen"}`
    publishes the rules of that place over it, as this node's.
    """
    given = None if body.folder is None else Path(body.folder)
    outcome = await operations.load(
        ctx,
        given if body.place is None else folder.of_place(body.place),
        issued_by=body.issued_by,
        basis=body.basis,
        again=body.again,
        replace=body.replace,
        whole=body.whole,
        dry_run=body.dry_run,
    )
    published, repeated, gave_way = (
        tuple(map(_out, rows)) for rows in (outcome.published, outcome.repeated, outcome.gave_way)
    )
    return LoadOut(
        published=len(published),
        unchanged=outcome.unchanged,
        objects=published,
        repeated=repeated,
        gave_way=gave_way,
        forbidden=outcome.forbidden,
        dry_run=body.dry_run,
    )


@router.get("/v1/admin/clock", access=AccessPolicy.inside())
async def get_clock(ctx: Ctx) -> ClockOut:
    """The legal date that this process goes by."""
    return ClockOut(offset_days=ctx.followed(Directory).offset_days, legal_date=ctx.legal_date)


@router.post("/v1/admin/clock", access=AccessPolicy.inside())
async def move_clock(ctx: Ctx, body: ClockIn) -> ClockOut:
    """Move the sandbox's legal date; refused on a node that is none.

    `POST /v1/admin/clock` `{"offset_days": 365}`; `{"offset_days": 0}` sets it back.
    """
    return ClockOut(offset_days=body.offset_days, legal_date=await operations.move_clock(ctx, body.offset_days))


def _fresh(ctx: Ctx, given: str | None) -> None:
    here = re.compile(rf'"{ctx.followed(Directory).number}-\d{{8}}"|\*', re.ASCII)
    if given is not None and not any(here.fullmatch(tag.strip()) for tag in given.split(",")):
        raise Stale("Read the item again and decide anew.", "请重新读取该条目后再操作。")


def _out(row: Publication) -> PublicationOut:
    return PublicationOut.model_validate(row._asdict())
