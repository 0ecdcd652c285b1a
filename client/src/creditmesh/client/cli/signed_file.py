"""A file with a signed text: what kind of thing it is, and that nothing in it would be believed unsigned."""

from pathlib import Path
from typing import Literal, NamedTuple

from creditmesh.client.cli import say
from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.schemas.authorisation_text import claimed
from creditmesh.schemas.signed import Contradictory, SignedText, strict

SignedKind = Literal["certificate", "receipt", "acknowledgement", "authorisation"]
_MEMBERS: tuple[tuple[SignedKind, frozenset[str]], ...] = (
    ("certificate", frozenset({"case", "lines", "record"})),
    ("receipt", frozenset({"submission", "digest", "rows"})),
    ("acknowledgement", frozenset({"feed", "by", "root"})),
)
"""What only the texts of each kind have."""


class SignedFile(NamedTuple):
    """The text, and what it is: an authorisation has its signature in it."""

    kind: SignedKind
    text: SignedText | str


def read_signed(file: Path) -> SignedFile:
    """What is signed in the file; Unverified where something beside it would be believed although nobody signed it."""
    name = say.printable(str(file))
    try:
        content = file.read_bytes()
        if (token := _token(content)) is not None:
            return SignedFile("authorisation", token)
        whole = strict(content)
        if isinstance(whole, dict) and isinstance(whole.get("receipt"), dict):  # as a node answers with a receipt
            _nothing_beside(whole, {"receipt"})
            whole = whole["receipt"]
        signed = SignedText.model_validate(whole)
        members = strict(signed.signed)
    except Contradictory:
        raise Unverified("contradictory", "A member stands in it twice.", "同一成员重复出现。") from None
    except (OSError, ValueError):
        raise _unknown(name) from None
    if "signed" in whole:
        _nothing_beside(whole, set(SignedText.model_fields))
    kinds = (kind for kind, known in _MEMBERS if isinstance(members, dict) and known <= members.keys())
    kind = next(kinds, None)
    if kind is None:
        raise _unknown(name)
    return SignedFile(kind, signed)


def _token(content: bytes) -> str | None:
    """The text of an authorisation; None of anything else."""
    try:
        token = content.decode("ascii").strip()
        claimed(token)
    except ValueError:
        return None
    return token


def _nothing_beside(whole: dict[str, object], covered: set[str]) -> None:
    if beside := sorted(set(whole) - covered):
        names = ", ".join(map(say.printable, beside))
        raise Unverified("not_covered", f"Nobody signed these members: {names}.", f"下列成员未经签名：{names}。")


def _unknown(name: str) -> Unsendable:
    return Unsendable(
        f"{name}: this is no certificate, receipt, acknowledgement or authorisation that a node signed, and nothing "
        "that was pulled. The head of a feed alone is checked by `creditmesh pull`, with what it stands for.",
        f"{name}：不是节点签名的证明、回执、收讫或授权，也不是拉取所得。日志的树头由 `creditmesh pull` 连同日志核验。",
    )
