"""Writes a dictionary that bodies are packed with: `python -m samples.dictionary ID`.

It is trained on revisions and feed entries about the invented subjects of the sample files, as the services write them;
ids, keys, codes and the names of places differ from body to body, so that it learns what all bodies have in common and
no node's own words. Seeded: the same library makes the same file of the same samples. A dictionary that exists is never
written again, since what was packed with it is read by no other; the new one's id goes into `chassis.packing`.
"""

import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import orjson
import zstandard
from pydantic import JsonValue

from creditmesh.catalogue import folder
from creditmesh.chassis import packing
from creditmesh.exchange.entries import record_draft
from creditmesh.ingestion.revisions import Attribution, content_event, state_event
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.catalogue import CodeSet, Rule
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.rules.compile import CompiledItem, compile_item
from samples.files import File
from samples.generate import files
from samples.invented import STEMS, SURNAMES
from samples.row import BASE, Row

SEED = 20261130
SIZE = 16 * 1024
TIMES = 8
"""Bodies that are made of each row, no two alike."""
FOLDER = Path(packing.__file__).parent / "dictionaries"
_CHANGES: tuple[tuple[Change, str, str | None], ...] = (
    ("marked", "published", "disputed"),
    ("withdrawn", "withdrawn", None),
    ("repaired", "repaired", None),
)


def bodies(random: Random) -> Iterator[bytes]:
    """What a node keeps of the records in the sample files, and tells of them."""
    entries = [entry.body for entry in folder.read(folder.shipped())]
    sets = {each.code: each for each in entries if isinstance(each, CodeSet)}
    rules = tuple(each for each in entries if isinstance(each, Rule))
    for file in files():
        item = compile_item(file.item, sets, rules)
        for row in file.rows:
            if row.verdict == "accepted" and not row.dirt:
                for _ in range(TIMES):
                    yield from _of_row(random, file, item, row)


def _of_row(random: Random, file: File, item: CompiledItem, row: Row) -> Iterator[bytes]:
    place = random.choice(SURNAMES) + random.choice(STEMS)
    clear, subject, representative = item.split(
        {code: _elsewhere(random, value, place) for code, value in row.fields.items()}, row.kind
    )
    id_, person, submission = _id(random), _id(random), _id(random)
    others = [_id(random)] if representative else []
    by = Attribution(
        origin=random.choice(("city", "district", "province")) + str(random.randrange(100)),
        party=file.party.code if random.random() < 0.5 else f"d{random.randrange(16**8):08x}",
        item=file.item.code,
        item_version=random.randrange(1, 5),
        submission=submission,
    )
    decided = BASE - timedelta(days=random.randrange(1000))
    facts: dict[str, object] = {
        "kind": row.kind,
        "severity": random.choice(("minor", "general", "serious")) if "penalty" in file.item.code else None,
        "decided_on": decided,
        "display_from": decided,
        "display_until": random.choice((None, decided + timedelta(days=random.randrange(90, 1100)))),
        "false_material": False,
        "issuer": _code(random),
        "fields": clear,
        "related": [
            {"role": "legal_representative", "subject": str(each), "part": random.randrange(16)} for each in others
        ],
    }
    sealed = [
        _sealed(random, about, field, said)
        for about, field, said in (
            (person, "subject", subject),
            ((*others, person)[0], "representative", representative),
        )
        if said
    ]
    known = Known(id_, 1, b"", "published", None, submission, by.party)
    said = content_event(by, known, id_, change="accepted", subject=person, facts=facts, sealed=sealed, more={})
    yield said
    yield _sent(random, said)
    for rev, (change, state, mark) in enumerate(_CHANGES, 2):
        if random.random() < 0.1:
            then = known._replace(rev=rev, state=state, mark=mark)
            yield state_event(orjson.loads(said), by, then, _id(random), change=change, about=None)


def _sent(random: Random, said: bytes) -> bytes:
    event = RecordChanged.model_validate_json(said)
    text = b64encode(random.randbytes(12 + 16 + sum(len(each.text) for each in event.sealed))).decode()
    sealed = {"key": f"up-{random.randrange(1, 99)}-{random.randrange(16**8):08x}", "alg": "aes-256-gcm", "text": text}
    draft = record_draft(event, at=datetime(2026, 11, 30, tzinfo=UTC), sealed=sealed if event.sealed else None)
    return (draft.body or "").encode()


def _sealed(random: Random, about: UUID, field: str, said: Mapping[str, str]) -> dict[str, JsonValue]:
    text = b64encode(random.randbytes(12 + 16 + len(orjson.dumps(said)))).decode()
    return {"about": str(about), "field": field, "key": "subject-1", "alg": "aes-256-gcm", "text": text}


def _elsewhere(random: Random, value: str, place: str) -> str:
    if len(value) == len(_CODE) and value[:2].isdigit() and "990000" in value[:8]:
        return _code(random)
    return value.replace("示例", place).replace("示", place[0])


_CODE = "91990000MA0010205T"


def _code(random: Random) -> str:
    return f"{random.choice(('91', '92', '11'))}990000{random.randrange(10**9):09d}{random.choice('0123456789XLNTK')}"


def _id(random: Random) -> UUID:
    """A UUIDv7 of some time."""
    return UUID(int=(0x019F0000_0000 + random.randrange(2**33) << 80) | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62
                | random.getrandbits(62))  # fmt: skip


def trained(id_: int) -> bytes:
    """The dictionary of that id."""
    random = Random(SEED)
    return zstandard.train_dictionary(
        SIZE, list(bodies(random)), k=512, d=8, dict_id=id_, level=packing.LEVEL
    ).as_bytes()


def main(id_: int) -> None:
    """Write it."""
    made = trained(id_)
    with (FOLDER / f"{id_}.zdict").open("xb") as file:
        file.write(made)


if __name__ == "__main__":
    main(int(sys.argv[1]))
