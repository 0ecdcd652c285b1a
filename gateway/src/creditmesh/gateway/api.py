"""The operator's routes, on the second listener only: credentials are made, listed and taken back here."""

from typing import Annotated

from fastapi import Body, Path, Query

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.paging import Cursor
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.gateway import operations
from creditmesh.gateway.models import CredentialLine, KeyOrder, NewCredential, PersonOrder
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.events.access import CallerKind
from creditmesh.schemas.identifiers import Code

router = Router()

_KeyId = Annotated[str, Path(pattern="^[0-9A-Za-z]{12}$")]


@router.post("/v1/admin/keys", access=AccessPolicy.inside(), status_code=201)
async def create_key(ctx: Ctx, order: Annotated[KeyOrder, Body()]) -> NewCredential:
    """Make an API key for a system of a party, or of the operator.

    The text of the key is in this answer and never shown again; who loses the answer revokes the key and makes another.
    Example: `{"kind": "department", "party": "market_regulation", "scopes": ["records:submit"], "label": "import"}`.
    """
    return await operations.create_key(ctx, order)


@router.post("/v1/admin/people", access=AccessPolicy.inside(), status_code=201)
async def create_person_token(ctx: Ctx, order: Annotated[PersonOrder, Body()]) -> NewCredential:
    """Make a token for a person: a subject by id, or a named officer of a party.

    Example: `{"kind": "office", "party": "credit_office", "officer": "Reviewer A", "scopes": ["reviews:decide"]}`.
    """
    return await operations.create_person_token(ctx, order)


@router.get("/v1/admin/keys", access=AccessPolicy.inside())
async def list_credentials(
    ctx: Ctx,
    party: Annotated[Code | None, Query()] = None,
    kind: Annotated[CallerKind | None, Query()] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Page[CredentialLine]:
    """List credentials, people's tokens too, live or not, by id; `next` is the cursor of the next page."""
    return await operations.credentials(ctx, party=party, kind=kind, cursor=cursor, limit=limit)


@router.delete("/v1/admin/keys/{key}", access=AccessPolicy.inside())
async def revoke_credential(ctx: Ctx, key: _KeyId) -> CredentialLine:
    """Take a credential back by its id (the third part of its text). Every door refuses it within a second."""
    return await operations.revoke(ctx, key)
