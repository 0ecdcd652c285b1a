"""Signed notes and the checkpoints written in them, to the letter of C2SP (`signed-note`, `tlog-checkpoint`).

So that anyone's verifier of transparency logs can check our feeds. Only Ed25519 (type 0x01); keys are raw 32 bytes.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple

from creditmesh.schemas.tlog.tree import HASH_SIZE

ED25519 = b"\x01"
KEY_ID_SIZE = 4
SIGNATURE_SIZE = 64
MOST_SIGNATURES = 64
"""A note may carry those of witnesses and of retired keys; the specification wants at least 16 to be accepted."""

_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
"""Of surrogates too: they are no UTF-8."""


class BadNote(ValueError):
    """A note, or the checkpoint in it, that is malformed or not signed as it should be. Its text must be ignored."""


class Checkpoint(NamedTuple):
    """The head of a log: whose, how many leaves, and their Merkle tree hash."""

    origin: str
    size: int
    root: bytes


def signed_note(text: str, *, name: str, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """The text, signed by this key under this name. ValueError when they cannot stand in a note."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise ValueError("the text of a note ends in a newline and has no control characters")
    if not re.fullmatch(r"[^\s+]+", name):
        raise ValueError("the name of a key has neither spaces nor a plus sign")
    signature = b64encode(_key_id(name, public) + sign(text.encode())).decode("ascii")
    return f"{text}\n— {name} {signature}\n"


def open_note(note: str, *, name: str, publics: Iterable[bytes], verify: Callable[[bytes, bytes, bytes], bool]) -> str:
    """The text of a note (with its final newline) that one of these keys has signed under this name.

    `verify(public, data, signature)` checks one signature. Signatures of unknown keys are ignored; BadNote when none
    of a known key is there, or when one of them does not hold, which makes the whole note suspect.
    """
    text, lines = _split(note)
    known = {_key_id(name, public): public for public in publics}
    signed = False
    for line in lines:
        signer, key_id, signature = _signature(line)
        public = known.get(key_id) if signer == name else None
        if public is None:
            continue
        if len(signature) != SIGNATURE_SIZE or not verify(public, text.encode(), signature):
            raise BadNote(f"the signature of {name} does not hold")
        signed = True
    if not signed:
        raise BadNote(f"not signed by a known key of {name}")
    return text


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """A checkpoint as the text of a note."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode('ascii')}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is, extension lines ignored; BadNote when it is none."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1]:  # noqa: PLR2004 -- three lines, and what follows the last newline
        raise BadNote("a checkpoint has three lines or more, and none is empty")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise BadNote("the second line of a checkpoint is the size of the tree")
    if len(hashed := _decoded(root)) != HASH_SIZE:
        raise BadNote("the third line of a checkpoint is the root of the tree")
    return Checkpoint(origin, int(size), hashed)


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_SIZE]


def _split(note: str) -> tuple[str, list[str]]:
    """The text and the lines of signatures: what stands before and after the last empty line."""
    if _CONTROL.search(note):
        raise BadNote("control characters in a note")
    text, empty, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not empty or lines.pop() or not 0 < len(lines) <= MOST_SIGNATURES:
        raise BadNote("a note is a text, an empty line and lines of signatures")
    return text + "\n", lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise BadNote("a malformed line of a signature")
    raw = _decoded(found[2])
    if len(raw) <= KEY_ID_SIZE:
        raise BadNote("a signature that is too short")
    return found[1], raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:]


def _decoded(text: str) -> bytes:
    """Of base64 as one writes it, not merely as one can read it: two spellings of a note would be two notes."""
    try:
        raw = b64decode(text, validate=True)
    except (NotBase64, ValueError) as malformed:
        raise BadNote("malformed base64") from malformed
    if b64encode(raw).decode("ascii") != text:
        raise BadNote("base64 that is not canonical")
    return raw
