"""A feed pulled into a file: its checked entries, one JSON line each, and beside it the head that they lead to.

The lines go to disk before the head that counts them, and whatever stands behind the counted bytes is cut off when
pulling goes on: a process that dies at any moment leaves a file that goes on where its head stands.
"""

import json
import os
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.feeds import FeedHead
from creditmesh.client.signatures import raw
from creditmesh.schemas.exchange import FeedEntry, base64_text
from creditmesh.schemas.tlog import Range

SUFFIX = ".ndjson"
_BATCH = 1000


class _Kept(BaseModel):
    """The head as it is written beside the lines; no credential in it."""

    model_config = ConfigDict(extra="forbid")

    v: Literal[1] = 1
    origin: str
    publics: tuple[str, ...]
    """Base64 of the node's Ed25519 keys, pinned at the first pull."""
    size: int
    range: str
    """Hex: the compact range, largest subtree first."""
    checkpoint: str | None
    length: int
    """The bytes of the lines."""

    @classmethod
    def of(cls, head: FeedHead, length: int) -> Self:
        publics = tuple(b64encode(public).decode("ascii") for public in head.publics)
        packed = head.range.packed().hex()
        return cls(
            origin=head.origin, publics=publics, size=head.size, range=packed, checkpoint=head.checkpoint, length=length
        )

    def head(self) -> FeedHead:
        kept = Range.unpacked(self.size, bytes.fromhex(self.range))
        publics = tuple(raw(public) for public in self.publics)
        return FeedHead(origin=self.origin, publics=publics, range=kept, checkpoint=self.checkpoint)


class PulledFile:
    """One feed in one file, with its head in `<file>.state.json`."""

    def __init__(self, file: Path, head: FeedHead, length: int = 0) -> None:
        self.file = file
        self.head = head
        self.length = length

    @classmethod
    def at(cls, file: Path) -> Self | None:
        """What was pulled into this file before; None if nothing was. Unsendable if it is not what pulling leaves."""
        state = _state(file)
        if not state.exists():
            if file.exists() and file.stat().st_size:
                raise _not_ours(file, state)
            return None
        try:
            kept = _Kept.model_validate_json(state.read_bytes())
            if not file.exists() or file.stat().st_size < kept.length:
                raise Unverified(
                    "cut_off",
                    f"{file} is shorter than what was pulled into it.",
                    f"{file} 短于此前拉取的内容。",
                )
            return cls(file, kept.head(), kept.length)
        except (OSError, ValidationError, ValueError):
            raise _not_ours(file, state) from None

    @contextmanager
    def appending(self) -> Iterator["Appending"]:
        """Write what comes next."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("r+b" if self.file.exists() else "w+b") as out:
                out.truncate(self.length)
                out.seek(self.length)
                yield Appending(self, out)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unsendable(
                f"{self.file}: cannot be written ({reason}).", f"{self.file}：无法写入（{reason}）。"
            ) from None

    def check(self, *, trusted: Collection[str] = ()) -> None:
        """Everything again, from the lines alone: places, commitments, tree, signature. Unverified if it does not fit.

        `trusted`: the node's public keys in base64, from its row in the catalogue; without any, those kept beside the
        file are believed, and whoever wrote the file may have written them too.

        Reads a thousand lines at a time, whatever the feed's length.
        """
        fresh = FeedHead(origin=self.head.origin, publics=self._publics(trusted))
        try:
            if self.file.stat().st_size != self.length:
                raise Unverified(
                    "tail",
                    f"{self.file} is longer than what was pulled into it; pulling again cuts the rest off.",
                    f"{self.file} 长于此前拉取的内容；再次拉取时将截去多余部分。",
                    index=self.head.size,
                )
            with self.file.open("rb") as lines:
                while entries := [_entry(line, place) for place, line in enumerate(islice(lines, _BATCH), fresh.size)]:
                    fresh = FeedHead(origin=fresh.origin, publics=fresh.publics, range=fresh.extended(entries))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unsendable(
                f"{self.file}: cannot be read ({reason}).", f"{self.file}：无法读取（{reason}）。"
            ) from None
        self._compare(fresh)

    def _publics(self, trusted: Collection[str]) -> tuple[bytes, ...]:
        known = {raw(public) for public in trusted}
        publics = tuple(public for public in self.head.publics if not trusted or public in known)
        if not publics:
            raise Unverified(
                "key", "The feed was pulled with another key than those given.", "拉取该日志所用密钥不在所给公钥之列。"
            )
        return publics

    def _compare(self, fresh: FeedHead) -> None:
        if self.head.checkpoint is None:
            signed_size, signed_root = 0, Range.empty().root()
        else:
            _, signed_size, signed_root = fresh.signed(self.head.checkpoint)
        if fresh.size != signed_size:
            raise Unverified(
                "size",
                f"There are {fresh.size} entries, and the node signed {signed_size}.",
                f"文件中有 {fresh.size} 个条目，而节点签名的为 {signed_size} 个。",
                index=min(fresh.size, signed_size),
            )
        if fresh.range != self.head.range or fresh.range.root() != signed_root:
            raise Unverified(
                "root",
                f"The {fresh.size} lines are not the tree that the node signed: one of them was altered.",
                f"文件中的 {fresh.size} 行与节点签名的树不一致：其中有行被篡改。",
            )


class Appending:
    """The open end of a pulled file."""

    def __init__(self, pulled: PulledFile, out: BinaryIO) -> None:
        self._pulled = pulled
        self._out = out

    def add(self, entries: Iterable[FeedEntry], head: FeedHead) -> None:
        """A checked page: its lines, and then the head after it, each on disk before the next."""
        lines = b"".join(map(_line, entries))
        self._out.write(lines)
        self._out.flush()
        os.fsync(self._out.fileno())
        self._pulled.length += len(lines)
        self._pulled.head = head
        _write(_state(self._pulled.file), _Kept.of(head, self._pulled.length).model_dump_json(indent=1) + "\n")


def pulled_file(into: Path, feed: str) -> Path:
    """The file a feed goes to: `into` itself, or one named after the feed in the folder that `into` is."""
    return into if into.suffix and not into.is_dir() else into / f"{feed}{SUFFIX}"


def was_pulled(file: Path) -> bool:
    """Whether there is the head of a feed beside this file."""
    return _state(file).exists()


def _state(file: Path) -> Path:
    return file.with_name(f"{file.name}.state.json")


def _write(at: Path, text: str) -> None:
    part = at.with_name(f"{at.name}.part")
    with part.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(at)


def _line(entry: FeedEntry) -> bytes:
    """An entry as it was checked, and nothing that came beside it."""
    salt = None if entry.salt is None else base64_text(entry.salt)
    told = {"index": entry.index, "line": entry.line, "salt": salt, "body": entry.body}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _entry(line: bytes, place: int) -> FeedEntry:
    try:
        return FeedEntry.model_validate_json(line)
    except ValidationError:
        raise Unverified(
            "malformed", f"Line {place + 1} of the file is no entry.", f"文件第 {place + 1} 行不是条目。", index=place
        ) from None


def _not_ours(file: Path, state: Path) -> Unsendable:
    return Unsendable(
        f"{file} and {state.name} beside it are not what `creditmesh pull` leaves; give it a file of its own.",
        f"{file} 及其旁的 {state.name} 并非 `creditmesh pull` 的产物；请另行指定文件。",
    )
