"""Signed notes and checkpoints are those of C2SP: published ones open, and nothing that was tampered with."""

from base64 import b64decode, b64encode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.tlog import (
    BadNote,
    Checkpoint,
    checkpoint_text,
    open_note,
    read_checkpoint,
    signed_note,
)

# The example of golang.org/x/mod/sumdb/note, the format's first implementation: seed, key and signature as published.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NAME = "PeterNeumann"
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PUBLIC = b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
NOTE = f"{TEXT}\n— {NAME} {SIGNATURE}\n"

# The example of c2sp.org/tlog-checkpoint; the specification does not publish its key, so only its form is read.
EXAMPLE_TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
EXAMPLE_SIGNATURE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
EXAMPLE = f"{EXAMPLE_TEXT}\n— example.com/behind-the-sofa {EXAMPLE_SIGNATURE}\n"

KEY = Ed25519PrivateKey.from_private_bytes(SEED)
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def verify(public: bytes, data: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def opened(note: str, *publics: bytes, name: str = NAME) -> str:
    return open_note(note, name=name, publics=publics or (PUBLIC,), verify=verify)


def test_the_published_note_is_made_and_opened_to_the_letter():
    assert KEY.public_key().public_bytes_raw() == PUBLIC
    assert signed_note(TEXT, name=NAME, public=PUBLIC, sign=KEY.sign) == NOTE
    assert opened(NOTE) == TEXT


def test_the_checkpoint_of_the_specification_is_read_and_written_to_the_letter():
    with pytest.raises(BadNote, match="not signed by a known key"):
        opened(EXAMPLE, name="example.com/behind-the-sofa")
    read = read_checkpoint(EXAMPLE_TEXT)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20852163)
    assert b64encode(read.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert checkpoint_text(read) == EXAMPLE_TEXT


def test_signatures_of_others_are_ignored_and_one_of_ours_is_enough():
    theirs = signed_note(TEXT, name="witness", public=OTHER.public_key().public_bytes_raw(), sign=OTHER.sign)
    line = theirs.rpartition("\n\n")[2]
    assert opened(NOTE + line) == opened(f"{TEXT}\n{line}— {NAME} {SIGNATURE}\n") == TEXT
    assert opened(NOTE, OTHER.public_key().public_bytes_raw(), PUBLIC) == TEXT
    with pytest.raises(BadNote, match="not signed by a known key"):
        opened(theirs)


def test_an_empty_line_in_the_text_belongs_to_the_text():
    text = "one\n\n— two three\n\n"
    assert opened(signed_note(text, name=NAME, public=PUBLIC, sign=KEY.sign)) == text


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        NOTE.removesuffix("\n"),
        NOTE.replace("problem is", "problem was"),
        NOTE.replace("\n", "\r\n"),
        NOTE + "\n",
        NOTE + "anything\n",
        NOTE.replace("— ", "- "),
        NOTE.replace(f" {SIGNATURE}", f"  {SIGNATURE}"),
        NOTE.replace(NAME, "Peter Neumann"),
        NOTE.replace(NAME, "PeterNewman"),
        NOTE.replace(SIGNATURE, "x08gow=="),
        NOTE.replace(SIGNATURE, SIGNATURE.replace("nAM=", "nAN=")),
        NOTE.replace(SIGNATURE, SIGNATURE.removesuffix("=")),
        NOTE.replace(SIGNATURE, b64encode(b64decode(SIGNATURE) + b"x").decode()),
        NOTE.replace(SIGNATURE, SIGNATURE.replace("ZJku", "ZJkv")),
        NOTE + f"— {NAME} {SIGNATURE.replace('ZJku', 'ZJkv')}\n",
        NOTE + f"— {NAME} {SIGNATURE}\n" * 64,
        NOTE.replace("answer", "answer\x00"),
        NOTE.replace("answer", "answer\ud800"),
    ],
)
def test_a_note_that_was_tampered_with_does_not_open(note: str):
    with pytest.raises(BadNote):
        opened(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        EXAMPLE_TEXT.removesuffix("\n"),
        EXAMPLE_TEXT + "\n",
        EXAMPLE_TEXT.replace("20852163", "020852163"),
        EXAMPLE_TEXT.replace("20852163", "-1"),
        EXAMPLE_TEXT.replace("20852163", "１"),
        EXAMPLE_TEXT.replace("20852163", "1" * 20),
        EXAMPLE_TEXT.replace("example.com/behind-the-sofa", ""),
        EXAMPLE_TEXT.replace("q2I=", "q2J="),
        EXAMPLE_TEXT.replace("q2I=", "q2I"),
        EXAMPLE_TEXT.replace("CsUY", ""),
        EXAMPLE_TEXT.replace("CsUY", "Cs Y"),
    ],
)
def test_a_checkpoint_is_read_strictly(text: str):
    with pytest.raises(BadNote):
        read_checkpoint(text)


def test_lines_of_extension_are_ignored_as_the_specification_has_it():
    assert read_checkpoint(EXAMPLE_TEXT + "more\n") == read_checkpoint(EXAMPLE_TEXT)


@pytest.mark.parametrize(
    ("text", "name"), [("no newline", NAME), ("tab\t\n", NAME), (TEXT, ""), (TEXT, "a b"), (TEXT, "a+b")]
)
def test_what_cannot_stand_in_a_note_is_not_signed(text: str, name: str):
    with pytest.raises(ValueError, match=r"a note|a key"):
        signed_note(text, name=name, public=PUBLIC, sign=KEY.sign)


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.sampled_from(["up", "down", "holder-d-990000"]))
def test_every_checkpoint_comes_back_from_its_note(size: int, root: bytes, feed: str):
    checkpoint = Checkpoint(f"creditmesh/990000/{feed}", size, root)
    note = signed_note(checkpoint_text(checkpoint), name=checkpoint.origin, public=PUBLIC, sign=KEY.sign)
    assert read_checkpoint(opened(note, name=checkpoint.origin)) == checkpoint
    with pytest.raises(BadNote):
        opened(note.replace(f"\n{size}\n", f"\n{size + 1}\n"), name=checkpoint.origin)
