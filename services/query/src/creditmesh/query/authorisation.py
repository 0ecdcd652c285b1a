"""What a subject permitted a bureau: whether it holds for a query, and what has become of it."""

from datetime import date, datetime, timedelta

from creditmesh.schemas.authorisation_text import Claims
from creditmesh.schemas.queries import AuthorisationState

LONGEST = timedelta(days=366)
"""The longest an authorisation may hold; then the subject is asked again."""


def holds(claims: Claims, *, bureau: str | None, purpose: str, on: date) -> bool:
    """Whether the claims permit this bureau a query for this purpose on this day (uses are counted by the row)."""
    return claims.grantee == bureau and claims.purpose == purpose and claims.valid_from <= on < claims.valid_until


def state(claims: Claims, *, uses: int, revoked_at: datetime | None, on: date) -> AuthorisationState:
    """What has become of it on this day."""
    if revoked_at is not None:
        return "revoked"
    if on >= claims.valid_until:
        return "expired"
    if uses >= claims.max_uses:
        return "used_up"
    return "active" if on >= claims.valid_from else "not_yet"
