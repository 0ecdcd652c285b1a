"""The newest revisions of records that end whatever they say: one that cannot be read ends by its columns alone."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import orjson

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import BodyReader
from creditmesh.ingestion.store.revisions import Place
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.identifiers import SubjectKind

_NEWEST = """
    select r.part, r.subject, r.natural_key, r.record, r.rev, r.fingerprint, r.item, r.item_version, r.party, r.origin,
           r.state, r.mark, r.legal_date, r.data
      from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
           as u(part, subject, natural_key)
     cross join lateral (
        select i.* from ingestion.revision i
         where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
         order by i.rev desc limit 1) r
"""


async def newest(
    session: Session, places: Iterable[Place], kinds: Mapping[UUID, SubjectKind]
) -> dict[Place, tuple[Known, bytes]]:
    """The newest revision at each of these places, with its event; `kinds`: of which kind these people are."""
    wanted = set(places)
    if not wanted:
        return {}
    parts, subjects, keys = map(list, zip(*wanted, strict=True))
    rows = await session.fetch(_NEWEST, {"parts": parts, "subjects": subjects, "keys": keys})
    reader = BodyReader(_checked, of="ingestion")
    return {
        (row.part, row.subject, row.natural_key): (
            Known(row.record, row.rev, row.fingerprint, row.state, row.mark, None, row.party),
            reader.read(row.record, row.data) or _of_columns(row, kinds.get(row.subject, "natural_person")),
        )
        for row in rows
    }


def _checked(says: bytes) -> bytes:
    RecordChanged.model_validate_json(says)
    return says


def _of_columns(row: Row, kind: SubjectKind) -> bytes:
    """An event of what the columns tell: days are that of the revision, and it says nothing."""
    day = row.legal_date.isoformat()
    said = {name: getattr(row, name) for name in ("item", "item_version", "party", "origin", "rev", "state", "mark")}
    ids = {"subject": str(row.subject), "record": str(row.record)}
    days = {"decided_on": day, "display_from": day, "display_until": day}
    return orjson.dumps({**said, **ids, **days, "kind": kind, "issuer": "", "fields": {}, "sealed": [], "related": []})
