"""Checks a propagation certificate off line: the node's signature, and what each node above signed for.

What it can prove depends on one key, that of the node that made the certificate; the keys of the others are as that
node knows them. So give it the key as the node publishes it, not as the certificate itself says.
"""

from collections.abc import Collection

from pydantic import ValidationError

from creditmesh.client.errors import Unverified
from creditmesh.client.signatures import holds, raw
from creditmesh.schemas.acknowledgements import Acknowledgement, Proof
from creditmesh.schemas.cases import Certificate, CertificateLine
from creditmesh.schemas.exchange import EntryLine
from creditmesh.schemas.signed import BadSignature, SignedText, read
from creditmesh.schemas.tlog import leaf_hash, verify_inclusion

_SETTLED = {"acknowledged", "refused"}


def check(signed: SignedText, *, trusted: Collection[str] = ()) -> Certificate:
    """The certificate that was signed. Raise Unverified at the first thing that does not fit.

    `trusted`: the node's public keys in base64, from its row in the catalogue. Without any, only that the certificate
    agrees with itself is known.
    """
    certificate = _read(signed, trusted)
    for line in certificate.lines:
        _check_line(certificate, line)
    pending = {line.holder for line in certificate.lines if line.kind != "bureau" and line.outcome not in _SETTLED}
    if pending != set(certificate.pending) or certificate.complete == bool(pending):
        raise Unverified(
            "pending", "Who has not answered yet is not as its lines say.", "“尚未答复”的名单与逐行结果不符。"
        )
    return certificate


def _read(signed: SignedText, trusted: Collection[str]) -> Certificate:
    """What the certificate says, if it is signed with a key that is trusted, or with its own where none is given."""

    def public(certificate: Certificate) -> bytes:
        if trusted and certificate.public not in trusted:
            raise Unverified(
                "key",
                "The certificate is signed with another key than those given.",
                "该证明所用密钥不在所给公钥之列。",
            )
        return raw(certificate.public)

    try:
        return read(Certificate, signed, public=public, verify=holds)
    except BadSignature:
        raise Unverified(
            "signature", "The certificate is not what its node signed.", "该证明与其节点签名的内容不符。"
        ) from None
    except ValueError:
        raise Unverified("malformed", "What is signed is no certificate.", "所签内容不是传播证明。") from None


def _check_line(certificate: Certificate, line: CertificateLine) -> None:
    if line.proof is not None:
        _check_entry(certificate, line.holder, line.proof)
        _check_acknowledged(line, line.proof)
    elif line.kind == "node" and line.outcome == "acknowledged":
        raise _unfit("proof", line.holder, "there is no proof that it acknowledged", "缺少其收讫证明")


def _check_entry(certificate: Certificate, holder: str, proof: Proof) -> None:
    """That the entry is about this revision of this record."""
    try:
        entry = EntryLine.model_validate_json(proof.line)
    except ValidationError:
        raise _unfit("entry", holder, "its entry cannot be read", "其条目无法解读") from None
    about = (entry.record, entry.rev, entry.change)
    if entry.type != "record" or about != (certificate.record, certificate.rev, certificate.change):
        raise _unfit("entry", holder, "its entry is of another record or revision", "其条目属于其他记录或版本")


def _check_acknowledged(line: CertificateLine, proof: Proof) -> None:
    """That the holder signed for this entry, in that tree, with this outcome."""
    try:
        given = read(Acknowledgement, proof.acknowledgement, public=lambda _: raw(proof.public), verify=holds)
    except ValueError:
        raise _unfit(
            "acknowledgement", line.holder, "its acknowledgement is not what it signed", "其收讫与签名不符"
        ) from None
    if given.by != line.holder:
        raise _unfit("holder", line.holder, "another node acknowledged", "收讫由其他节点作出")
    if not (given.first <= proof.index < given.until <= given.size and _included(given, proof)):
        raise _unfit("inclusion", line.holder, "its entry is not among those it signed for", "其条目不在其签收之列")
    refused = _refusal(given, proof.index)
    if (line.outcome, line.code) != (("acknowledged", None) if refused is None else ("refused", refused)):
        raise _unfit("outcome", line.holder, "what it answered is not as the line says", "其答复与该行所述不符")


def _included(given: Acknowledgement, proof: Proof) -> bool:
    try:
        path, root = [bytes.fromhex(each) for each in proof.path], bytes.fromhex(given.root)
    except ValueError:
        return False
    leaf = leaf_hash(proof.line.encode())
    return verify_inclusion(leaf=leaf, index=proof.index, size=given.size, path=path, root=root)


def _refusal(given: Acknowledgement, index: int) -> str | None:
    return next((each.code for each in given.refused if each.index == index), None)


def _unfit(code: str, holder: str, detail: str, detail_zh: str) -> Unverified:
    return Unverified(code, f"Line of {holder}: {detail}.", f"{holder} 一行：{detail_zh}。")
