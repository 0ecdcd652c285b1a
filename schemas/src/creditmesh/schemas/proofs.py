"""Whether a proof holds, and who owes an answer by what is proven: judged alike by a node and by whoever checks it."""

from collections.abc import Callable, Iterable
from typing import Literal
from uuid import UUID

from pydantic import ValidationError

from creditmesh.schemas.acknowledgements import Acknowledgement, Proof
from creditmesh.schemas.exchange import EntryLine
from creditmesh.schemas.signed import Verify, read
from creditmesh.schemas.tlog import leaf_hash, verify_inclusion

Flaw = Literal["entry", "acknowledgement", "holder", "inclusion"]
Revision = tuple[UUID, int, str]
"""A record, its revision, and what that changed."""


class Unproven(ValueError):
    """The proof does not hold; `flaw` is what of it."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw: Flaw = flaw


def proven(
    proof: Proof, *, by: str, about: Revision, public: Callable[[Acknowledgement], bytes], verify: Verify
) -> Acknowledgement:
    """What `by` signed about an entry of this revision; Unproven if it did not.

    `public` gives the key that it has to be signed with: empty bytes where there is none.
    """
    if _about(proof.line) != about:
        raise Unproven("entry")
    try:
        given = read(Acknowledgement, proof.acknowledgement, public=public, verify=verify)
    except ValueError:
        raise Unproven("acknowledgement") from None
    if given.by != by:
        raise Unproven("holder")
    if not (given.first <= proof.index < given.until <= given.size and _included(given, proof)):
        raise Unproven("inclusion")
    return given


def refusal_of(given: Acknowledgement, index: int) -> str | None:
    """Why an entry was refused; None if it was applied."""
    return next((each.code for each in given.refused if each.index == index), None)


def owing(named: Iterable[str], answers: Iterable[tuple[Acknowledgement, int]], *, node: str) -> set[str]:
    """The nodes that owe an answer about a revision: those named, and those to whom one that answered passed it on.

    `node`, whose record it is, is one of them while one that answered says nothing of who stands above it.
    """
    passed_on = [given.above for given, index in answers if index not in given.kept]
    found = {*named, *(code for above in passed_on for code in above or ())} - {node}
    return found | {node} if None in passed_on else found


def _about(line: str) -> Revision | None:
    try:
        entry = EntryLine.model_validate_json(line)
    except ValidationError:
        return None
    if entry.type != "record" or entry.record is None or entry.rev is None or entry.change is None:
        return None
    return entry.record, entry.rev, entry.change


def _included(given: Acknowledgement, proof: Proof) -> bool:
    try:
        path, root = [bytes.fromhex(each) for each in proof.path], bytes.fromhex(given.root)
    except ValueError:
        return False
    leaf = leaf_hash(proof.line.encode())
    return verify_inclusion(leaf=leaf, index=proof.index, size=given.size, path=path, root=root)
