"""The codes of 18 characters under which bodies stand in accepted rows, as MACs bound to their subjects."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session

Code = tuple[UUID, bytes, str, str]
"""Whose, its MAC, and by which key and algorithm."""

# Who makes a node's own records again after a restore does not read what codes are there.
INSERTION = """
    insert into ingestion.whole_code (subject, code, mac_key, mac_alg)
    select * from unnest(cast(:code_subjects as uuid[]), cast(:codes as bytea[]), cast(:code_keys as text[]),
                         cast(:code_algs as text[]))
        on conflict do nothing
"""
"""Adds the codes of `values`."""


def values(codes: Sequence[Code]) -> Mapping[str, object]:
    """The values of `INSERTION`."""
    columns = zip(*codes, strict=True) if codes else ((), (), (), ())
    return dict(zip(("code_subjects", "codes", "code_keys", "code_algs"), map(list, columns), strict=True))


async def add(session: Session, codes: Sequence[Code]) -> None:
    """Keep these codes; those that are kept already stay as they are."""
    if codes:
        await session.execute(INSERTION, values(codes))
