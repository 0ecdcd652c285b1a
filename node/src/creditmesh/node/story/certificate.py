"""Checks a certificate as anybody can, off line: its node's signature, and every proof that a node acknowledged."""

from collections.abc import Iterable

from creditmesh.client.signatures import holds, raw
from creditmesh.node.story.telling import check
from creditmesh.schemas.acknowledgements import Proof, acknowledgement_text
from creditmesh.schemas.cases import CertificateOut, certificate_text
from creditmesh.schemas.catalogue import PublicKey
from creditmesh.schemas.exchange import Line
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.tlog import leaf_hash, verify_inclusion


def check_certificate(certificate: CertificateOut, keys: Iterable[PublicKey]) -> set[NodeCode]:
    """CheckFailed unless it is whole; the nodes whose acknowledgement it proves."""
    publics = {each.id: raw(each.public) for each in keys if each.use == "node"}
    check(certificate.key in publics, "it is signed with a key that its node publishes")
    signature = raw(certificate.signature)
    check(holds(publics[certificate.key], certificate_text(certificate), signature), "its signature holds")
    proofs = [each.proof for each in certificate.lines if each.proof is not None]
    return {_proved(proof, certificate) for proof in proofs}


def _proved(proof: Proof, certificate: CertificateOut) -> NodeCode:
    given = proof.acknowledgement
    signed = holds(raw(proof.public), acknowledgement_text(given), raw(given.signature))
    check(signed, f"{given.by} signed its acknowledgement")
    check(given.first <= proof.index < given.until, f"{given.by} acknowledged the entry")
    line = Line.model_validate_json(proof.line)
    about = (certificate.record, certificate.rev, certificate.change)
    check((line.record, line.rev, line.change) == about, "the entry is this change")
    included = verify_inclusion(
        leaf=leaf_hash(proof.line.encode()),
        index=proof.index,
        size=given.size,
        path=[bytes.fromhex(each) for each in proof.path],
        root=bytes.fromhex(given.root),
    )
    check(included, f"the entry stands in the tree that {given.by} signed")
    return given.by
