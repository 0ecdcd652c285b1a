"""The feed of a node below, made by hand: what its exchange would have sent and ours would have verified."""

import os
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from creditmesh.chassis.vault.feeds import FeedCipher, wrap
from creditmesh.chassis.vault.keys import Keys
from creditmesh.ingestion.gate import Gate
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.exchange import EntryLine, FeedKeyBody, RecordBody, Wrapped, commitment, feed_origin
from tests.ingestion.conftest import House
from tests.ingestion.pages import SentEntry
from tests.ingestion.rows import MARKET, TODAY, compiled

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_KEYS = count(1)
_STATES = {"repaired": "repaired", "withdrawn": "withdrawn"}


class Feed:
    """One feed of one child, to the node of a house."""

    def __init__(self, house: House, *, peer: str = "city", origin: str | None = None, feed: str = "up") -> None:
        self.house = house
        self.peer = peer
        self.origin = origin or peer
        self.feed = feed
        self.name = feed_origin(peer, feed)
        self._indices = count(next(_KEYS) * 1000)
        self._secret = os.urandom(32)
        self.cipher = FeedCipher(f"feed-{next(_KEYS)}", self._secret)

    def key(self, *to: tuple[str, str, bytes]) -> SentEntry:
        """The entry of this feed's key, wrapped to these (node, id of its key, public half), by default the house's."""
        wrapped = [
            Wrapped.model_validate_json(
                orjson.dumps(wrap(self._secret, node=node, key=key, public=public, feed=self.name))
            )
            for node, key, public in to or [self.receiver()]
        ]
        return self.key_of(
            FeedKeyBody(key=self.cipher.key, alg="aes-256-gcm", wrapped=tuple(wrapped)).model_dump_json()
        )

    def key_of(self, body: str | None) -> SentEntry:
        """The entry of a key with this body."""
        line = EntryLine(type="feed.key", at=_AT, commitment=commitment(b"", (body or "").encode())).model_dump_json()
        return SentEntry(peer=self.peer, feed=self.feed, index=next(self._indices), line=line, body=body)

    def receiver(self) -> tuple[str, str, bytes]:
        """The node of the house and its own key."""
        public = self.house.equipment.keys.public("feed")
        return self.house.equipment.node.code, public.id, public.raw

    def entry(
        self, row: dict[str, str], *, record: UUID, rev: int = 1, change: Change = "accepted", **changes: Any
    ) -> SentEntry:
        """A revision of a record that says this; `changes` are of its body, `sealed=None` leaves everything clear."""
        return self.entry_of(
            self.body(row, record=record, rev=rev, change=change, **changes).model_dump_json(), record, rev, change
        )

    def entry_of(
        self, body: str | None, record: UUID, rev: int = 1, change: Change | None = "accepted", **changes: Any
    ) -> SentEntry:
        """An entry with this body; `changes` are of its line."""
        said = {"type": "record", "record": record, "rev": rev, "change": change, "origin": self.origin} | changes
        line = EntryLine(at=_AT, commitment=commitment(b"", (body or "").encode()), **said)
        return SentEntry(
            peer=self.peer, feed=self.feed, index=next(self._indices), line=line.model_dump_json(), body=body
        )

    def body(self, row: dict[str, str], *, record: UUID, rev: int, change: Change, **changes: Any) -> RecordBody:
        """What the origin says of this row, judged as the origin judges it."""
        item = changes.pop("item", "administrative_penalty")
        canonical = compiled(item).validate(row)
        assert isinstance(canonical, dict), canonical
        judged = Gate(compiled(item), party=MARKET, today=max(TODAY, date.fromisoformat(row["CF_JDRQ"]))).judge(
            canonical
        )
        assert judged.subject is not None
        split = compiled(item).split(canonical, judged.subject.kind)
        personal = {"subject": split.subject, "representative": split.representative}
        values: dict[str, Any] = {
            "record": record,
            "rev": rev,
            "revision": uuid7(),
            "change": change,
            "state": _STATES.get(change, "published"),
            "mark": "disputed" if change == "marked" else None,
            "origin": self.origin,
            "party": "market_regulation",
            "item": item,
            "kind": judged.subject.kind,
            "severity": judged.severity,
            "decided_on": judged.decided_on,
            "display_from": max(judged.period.begins, judged.decided_on),
            "display_until": judged.period.until,
            "issuer": row["CF_CFJGDM"],
            "fields": split.clear,
            "sealed": self.cipher.seal(personal, place=f"{self.name}|{record}|{rev}"),
        }
        if "sealed" in changes and changes["sealed"] is None:
            values["fields"] = canonical
        return RecordBody.model_validate_json(orjson.dumps(values | changes, default=str))


def other_keys(folder: Path) -> tuple[str, bytes]:
    """Another node's feed key: its id and public half."""
    Keys.create(folder, {"feed"})
    public = Keys.load(folder, {"feed"}).public("feed")
    return public.id, public.raw


def new_record() -> UUID:
    """The id a child gave one of its records."""
    return uuid7()
