"""A feed of a remote node, made from the published contract: entries, signed heads, and pages that can be falsified."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.responses import JSONResponse, Response

from creditmesh.schemas.exchange import EntryLine, FeedEntry, base64_text, commitment, feed_origin
from creditmesh.schemas.tlog import (
    Checkpoint,
    Range,
    checkpoint_text,
    consistency_plan,
    fold,
    inclusion_plan,
    leaf_hash,
    signed_note,
)

CODE, FEED = "city", "up"
SPARE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class FeedLog:
    """A feed with one key; `most` entries a page; `falsify` has the last word on the lines of a page."""

    seed: int = 1
    feed: str = FEED
    most: int = 4
    entries: list[FeedEntry] = field(default_factory=list)
    falsify: Callable[[list[bytes]], list[bytes]] = lambda lines: lines

    @property
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)

    @property
    def origin(self) -> str:
        return feed_origin(CODE, self.feed)

    def grow(self, count: int, *, word: str = "entry") -> "FeedLog":
        for index in range(len(self.entries), len(self.entries) + count):
            self.entries.append(entry(index, word))
        return self

    def head(self, size: int | None = None) -> Checkpoint:
        covered = self.entries[:size]
        grown, _ = Range.empty().extended(leaf_hash(each.line.encode()) for each in covered)
        return Checkpoint(self.origin, grown.size, grown.root())

    def note(self, head: Checkpoint, *, name: str | None = None, key: Ed25519PrivateKey | None = None) -> str:
        key = key or self.key
        public = key.public_key().public_bytes_raw()
        return signed_note(checkpoint_text(head), name=name or self.origin, public=public, sign=key.sign)

    def page(self, after: int, limit: int) -> bytes:
        """Nothing where there is nothing new, as a node answers."""
        if after == len(self.entries):
            return b""
        until = min(len(self.entries), after + min(limit, self.most))
        lines = [sent(each) for each in self.entries[after:until]]
        return b"\n".join(self.falsify([*lines, end(self.note(self.head(max(until, after))))])) + b"\n"

    def parties(self) -> dict[str, object]:
        """The node's own row between a department and the row of a peer, which has keys too."""
        base = {"name": "n", "name_zh": "名", "uscc": "129900000000000865"}
        key = {"id": "k1", "use": "node", "alg": "ed25519"}
        own = b64encode(self.key.public_key().public_bytes_raw()).decode()
        other = b64encode(SPARE.public_key().public_bytes_raw()).decode()
        rows = [
            base | {"code": "p.housing", "kind": "department"},
            base | {"code": "province", "kind": "node", "place": "above", "keys": [key | {"public": other}]},
            base
            | {"code": CODE, "kind": "node", "keys": [key | {"use": "feed", "public": other}, key | {"public": own}]},
        ]
        return {"items": rows, "next": None}

    def feeds(self) -> dict[str, object]:
        head = self.head()
        return {"items": [{"feed": self.feed, "size": head.size, "root": head.root.hex()}], "next": None}

    def proof(self, path: str, params: Mapping[str, str]) -> Response:
        if path.endswith("/checkpoint"):
            size = int(params["size"]) if "size" in params else None
            return Response(self.note(self.head(size)), media_type="text/plain; charset=utf-8")
        inclusion = path.endswith("/inclusion")
        one, other = ("index", "size") if inclusion else ("from", "to")
        plan = (inclusion_plan if inclusion else consistency_plan)(int(params[one]), int(params[other]))
        leaves = [leaf_hash(each.line.encode()) for each in self.entries]
        _, completed = Range.empty().extended(leaves)
        subtrees = {(0, index): leaf for index, leaf in enumerate(leaves)}
        subtrees |= {(level, index): hashed for level, index, hashed in completed}
        return JSONResponse({"proof": [fold(subtrees[place] for place in places).hex() for places in plan]})


def entry(index: int, word: str) -> FeedEntry:
    """One entry about an invented record, with Chinese and a line feed in its body; the fourth was erased."""
    body = json.dumps({"record": str(UUID(int=index)), "fields": {"说明": f"{word}\n{index}"}}, ensure_ascii=False)
    salt = bytes([index % 256]) * 24
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=index)
    line = EntryLine(type="record", at=at, commitment=commitment(salt, body.encode()), record=UUID(int=index), rev=1)
    erased = index == 3
    return FeedEntry.model_construct(
        index=index, line=line.model_dump_json(), salt=None if erased else salt, body=None if erased else body
    )


def sent(each: FeedEntry) -> bytes:
    salt = None if each.salt is None else base64_text(each.salt)
    return json.dumps({"index": each.index, "line": each.line, "salt": salt, "body": each.body}).encode()


def end(note: str) -> bytes:
    return json.dumps({"checkpoint": note}).encode()
