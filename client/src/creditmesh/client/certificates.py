"""Checks a propagation certificate off line: the node's signature, and what each node above signed for.

What it can prove depends on the keys. That of the node that made the certificate is given as the node publishes it;
the keys of the others are as that node knows them, and whoever checks more than one pins them (`pins`).
"""

from collections.abc import Collection, Mapping

from creditmesh.client.errors import Unverified
from creditmesh.client.signatures import holds, raw
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.cases import Certificate, CertificateLine
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.proofs import Flaw, Unproven, owing, proven, refusal_of
from creditmesh.schemas.signed import BadSignature, SignedText, read


def check(signed: SignedText, *, trusted: Collection[str] = ()) -> Certificate:
    """The certificate that was signed. Raise Unverified at the first thing that does not fit.

    `trusted`: the node's public keys in base64, from its row in the catalogue. Without any, only that the certificate
    agrees with itself is known.
    """
    certificate = _read(signed, trusted)
    answers = [given for line in certificate.lines if (given := _check_line(certificate, line)) is not None]
    places = [(line.kind, line.holder) for line in certificate.lines]
    nodes = {holder for kind, holder in places if kind == "node"}
    owed = owing(certificate.above, answers, node=certificate.node)
    if twice := sorted({holder for kind, holder in places if places.count((kind, holder)) > 1}):
        raise _unfit("twice", twice[0], "it has more than one", "出现多次")
    if left := sorted(owed - nodes):
        names = ", ".join(left)
        raise Unverified(
            "left_out", f"Nodes that owe an answer have no line: {names}.", f"下列应答复的节点未列出：{names}。"
        )
    pending = {line.holder for line in certificate.lines if line.kind != "bureau" and line.outcome != "acknowledged"}
    if pending != set(certificate.pending) or certificate.complete == bool(pending):
        raise Unverified(
            "pending", "Who has not applied it yet is not as its lines say.", "“尚未落实”的名单与逐行结果不符。"
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
        raise Unverified("malformed", "What is signed is no certificate.", "所签内容不是同步更新证明。") from None


def _check_line(certificate: Certificate, line: CertificateLine) -> tuple[Acknowledgement, int] | None:
    """What the holder signed, and about which entry, where a proof says so; that the line says the same."""
    if line.proof is not None and (line.kind != "node" or line.holder == certificate.node):
        raise _unfit("holder", line.holder, "only another node proves that it answered", "仅其他节点可附收讫证明")
    if line.proof is None:
        if line.kind == "node" and line.outcome == "acknowledged":
            raise _unfit("proof", line.holder, "there is no proof that it acknowledged", "缺少其收讫证明")
        return None
    proof, about = line.proof, (certificate.record, certificate.rev, certificate.change)
    try:
        given = proven(proof, by=line.holder, about=about, public=lambda _: raw(proof.public), verify=holds)
    except Unproven as unproven:
        raise _unfit(unproven.flaw, line.holder, *_FLAWS[unproven.flaw]) from None
    if given.feed not in {
        feed_origin(code, "up") for code in (certificate.node, *(each.holder for each in certificate.lines))
    }:
        raise _unfit("feed", line.holder, "it answered about a feed of a stranger", "其答复针对的是无关节点的日志")
    refused = refusal_of(given, proof.index)
    if (line.outcome, line.code) != (("acknowledged", None) if refused is None else ("refused", refused)):
        raise _unfit("outcome", line.holder, "what it answered is not as the line says", "其答复与该行所述不符")
    return given, proof.index


_FLAWS: Mapping[Flaw, tuple[str, str]] = {
    "entry": ("its entry is of another record or revision, or cannot be read", "其条目属于其他记录或版本，或无法解读"),
    "acknowledgement": ("its acknowledgement is not what it signed", "其收讫与签名不符"),
    "holder": ("another node acknowledged", "收讫由其他节点作出"),
    "inclusion": ("its entry is not among those it signed for", "其条目不在其签收之列"),
}


def _unfit(code: str, holder: str, detail: str, detail_zh: str) -> Unverified:
    return Unverified(code, f"Line of {holder}: {detail}.", f"{holder} 一行：{detail_zh}。")
