"""Requests that a node signs: RFC 9421 signatures with RFC 9530 digests, by its Ed25519 `node` key.

Covered are the method, the path, the query, the receiving node's code and, of a request with a body, its digest:
exactly what the receiver acts on, and that it was asked. The authority is not, because proxies between nodes rewrite
it; `creditmesh-to` says in its place for whom the request is, so that a receiver cannot send it on to another node in
its signer's name. A signature lives for a minute, and no table of nonces is kept: what nodes ask of each other is safe
to repeat (a pull reads a sealed feed for who may read it anyway, an acknowledgement told twice is one), so a copied
request gains nobody anything that its sender did not have.

The library builds the signature base and compares digests; here stand what must be covered, for how long, and why a
request was refused, in words that stay the same.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    VerifyResult,
    algorithms,
)
from http_sf.compat import InnerList

from creditmesh.chassis.errors import Unauthenticated
from creditmesh.chassis.vault.keys import Keys

TAG = "creditmesh"
LIFE = 60
"""Seconds from `created` to `expires`; a signature that claims to live longer is refused."""
SKEW = 5
"""Seconds that the signer's clock may be ahead of ours."""
TO = "creditmesh-to"
"""The header with the code of the node that is asked."""
ALWAYS = ("@method", "@path", "@query", TO)
DIGEST = "content-digest"
MOST_SIGNED = 2 * 1024
"""Bytes of Signature and Signature-Input together, five times what a node's have: 30 KiB take up to 40 ms to judge."""
_READ = frozenset(("signature", "signature-input"))

KeyOf = Callable[[str, str], bytes | None]
"""The 32 bytes of a node's public key, by the node's code and the key's id; None where nobody may sign with it."""
Reason = Literal[
    "signature_malformed",
    "signature_too_long",
    "signature_incomplete",
    "signature_expired",
    "signature_not_yet_valid",
    "signature_key_unknown",
    "signature_wrong",
    "signature_for_another_node",
    "digest_wrong",
]

_SAID: dict[Reason, tuple[str, str]] = {
    "signature_malformed": (
        "Signature-Input and Signature do not carry one Ed25519 signature with the tag creditmesh.",
        "Signature-Input 与 Signature 中没有唯一的、标签为 creditmesh 的 Ed25519 签名。",
    ),
    "signature_too_long": (
        f"Signature and Signature-Input may have {MOST_SIGNED} bytes together: send one signature of what is needed.",
        f"Signature 与 Signature-Input 合计不得超过 {MOST_SIGNED} 字节：请只发送一个签名，且只覆盖必需的部分。",
    ),
    "signature_incomplete": (
        "The signature must cover @method, @path, @query, creditmesh-to and, with a body, content-digest, each whole.",
        "签名须完整覆盖 @method、@path、@query、creditmesh-to，有正文时还须完整覆盖 content-digest。",
    ),
    "signature_expired": ("The signature has expired; sign the request again.", "签名已过期，请重新签名。"),
    "signature_not_yet_valid": (
        "The signature was made in the future; check the clocks of both nodes.",
        "签名时间晚于当前时间，请检查两个节点的时钟。",
    ),
    "signature_key_unknown": (
        "No active peer of this node signs with that key; ask its operator to enrol the node's row.",
        "本节点没有使用该密钥的有效对等节点，请联系运维人员登记。",
    ),
    "signature_wrong": (
        "The signature is not of this request; something changed on the way, or another key made it.",
        "签名与请求不符：请求在途中被修改，或由其他密钥签署。",
    ),
    "signature_for_another_node": (
        "The request was signed for another node: creditmesh-to must be the code of the node that is asked.",
        "该请求是为其他节点签署的：creditmesh-to 须为所请求节点的代码。",
    ),
    "digest_wrong": ("The body is not the one that was signed.", "请求正文与签名的摘要不符。"),
}


class BadRequestSignature(Unauthenticated):
    """401: the request's signature proves nothing; `reason` is stable and goes to the security log.

    `key` is the `keyid` (node and key) where a peer has it, so that invented ones cannot fill the log.
    """

    code = "signature_invalid"
    title = "The request's signature is not valid"
    title_zh = "请求签名无效"
    remedy = (
        "Sign it anew, for this node, with the key that stands in your row there and a clock that is right; its "
        "operator finds the reason in the security log."
    )
    remedy_zh = "请以本节点所登记的密钥、针对本节点重新签名，并校准时钟；具体原因由本节点运维人员在安全日志中查询。"
    says = tuple(_SAID.values())

    def __init__(self, detail: str = "", detail_zh: str = "", *, reason: Reason, key: str | None) -> None:
        super().__init__(detail, detail_zh, headers={"WWW-Authenticate": f'Signature tag="{TAG}"'})
        self.reason = reason
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """Who signed a request, and what is left to compare: its body, once it has come."""

    node: str
    keyid: str
    """Node and key, as the request names them."""
    digest: str | None
    """The Content-Digest that was signed; None where the request has none."""

    def check(self, body: bytes) -> None:
        """BadSignature if the body is not the one that was signed, or came without being signed."""
        if self.digest is None:
            if body:
                raise _bad("signature_incomplete", key=self.keyid)
            return
        try:
            ContentDigest.verify(self.digest, body)
        except InvalidSignature as error:
            raise _bad("digest_wrong", key=self.keyid) from error


def signed_headers(
    keys: Keys, *, node: str, to: str, method: str, url: str, body: bytes, at: datetime
) -> dict[str, str]:
    """The headers to add to a request of `node` to the node `to`; a Content-Digest among them where there is a body.

    `url` is absolute and encoded as it will be sent (`str(request.url)` of httpx). ValueError if it cannot be signed.
    """
    message = _Message(method=method.upper(), url=url, headers=_Fields([(TO, to)]))
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519)
    try:
        prepared = signer.prepare(
            message,
            key_id=f"{node}/{keys.key_id('node')}",
            created=at,
            expires=at + timedelta(seconds=LIFE),
            label=TAG,
            tag=TAG,
            covered_component_ids=ALWAYS,
            body=body or None,
        )
        signer.apply(message, prepared, keys.sign(prepared.signature_base))
    except HTTPMessageSignaturesException as error:
        raise ValueError(f"a request to {url.partition('?')[0]} cannot be signed: {error}") from error
    return dict(message.headers.items())


def verify_request(
    *, node: str, method: str, path: str, query: str, headers: Iterable[tuple[str, str]], at: datetime, key_of: KeyOf
) -> SignedRequest:
    """Who signed the request; `Signed.check` its body before acting on it. BadSignature says what is wrong.

    `node` is who is asked, this one. `path` and `query` (without its question mark) as they came, still encoded.
    """
    fields = _Fields(headers)
    if fields.size(_READ) > MOST_SIGNED:
        raise _bad("signature_too_long", key=None)
    url = f"http://node{path}?{query}" if query else f"http://node{path}"
    message = _Message(method=method, url=url, headers=fields)
    resolver = _Resolver(key_of)
    try:
        results = _Verifier(resolver, at).verify(message, max_age=None, expect_tag=TAG)
    except _Refused as error:
        raise _bad(error.reason, key=resolver.known) from error
    except HTTPMessageSignaturesException as error:
        # Once its key is found, whatever else fails is a request that is not the signed one.
        reason: Reason = "signature_malformed" if resolver.known is None else "signature_wrong"
        raise _bad(reason, key=resolver.known) from error
    return _signed(results, message, resolver, node)


def _bad(reason: Reason, *, key: str | None) -> BadRequestSignature:
    return BadRequestSignature(*_SAID[reason], reason=reason, key=key)


def _signed(results: Sequence[VerifyResult], message: "_Message", resolver: "_Resolver", node: str) -> SignedRequest:
    if len(results) != 1 or resolver.known is None:
        raise _bad("signature_malformed", key=resolver.known)
    covered = results[0].covered_components
    needed = [*ALWAYS, DIGEST] if message.headers.has(DIGEST) else ALWAYS
    if any(f'"{component}"' not in covered for component in needed):
        raise _bad("signature_incomplete", key=resolver.known)
    if covered[f'"{TO}"'] != node:
        raise _bad("signature_for_another_node", key=resolver.known)
    return SignedRequest(node=resolver.node, keyid=resolver.known, digest=covered.get(f'"{DIGEST}"'))


class _Fields:
    """Header lines in their order, as the library reads and adds them."""

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = list(lines)

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._lines])

    def __contains__(self, name: str) -> bool:
        return self.has(name)

    def __setitem__(self, name: str, value: str) -> None:
        self._lines.append((name, value))

    def has(self, name: str) -> bool:
        """Whether there is such a header, in whatever case."""
        return any(each.lower() == name for each, _ in self._lines)

    def size(self, names: Collection[str]) -> int:
        """How long the values of these headers are together."""
        return sum(len(value) for name, value in self._lines if name.lower() in names)

    def items(self) -> list[tuple[str, str]]:
        """All lines."""
        return self._lines


@dataclass(slots=True, kw_only=True)
class _Message:
    """A request as the library wants to see it."""

    method: str
    url: str
    headers: _Fields = field(default_factory=_Fields)


class _Refused(InvalidSignature):
    """Carries our reason through the library, which lets its own errors pass."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class _Resolver(HTTPSignatureKeyResolver):
    """The key of a `keyid`, and whose it is."""

    def __init__(self, key_of: KeyOf) -> None:
        self._key_of = key_of
        self.node = ""
        self.known: str | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        node, _, key = key_id.partition("/")
        public = self._key_of(node, key)
        if public is None:
            raise _Refused("signature_key_unknown")
        self.node, self.known = node, key_id
        return Ed25519PublicKey.from_public_bytes(public)

    def resolve_private_key(self, key_id: str) -> NoReturn:
        raise KeyError(key_id)


class _Verifier(HTTPMessageVerifier):
    """The library's verifier on our clock: both times must be there, and the life between them short.

    It asks for them before it reads a key or a header.
    """

    def __init__(self, resolver: _Resolver, at: datetime) -> None:
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
        self._at = at

    def validate_created_and_expires(self, sig_input: InnerList, max_age: timedelta | None = None) -> None:  # noqa: ARG002 - the library calls it so
        if any(component.params for component in sig_input):  # a part of a header: all of it would be parsed first
            raise _Refused("signature_incomplete")
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if created is None or expires is None or not 0 < expires - created <= LIFE:
            raise _Refused("signature_malformed")
        now = self._at.timestamp()
        if created > now + SKEW:
            raise _Refused("signature_not_yet_valid")
        if expires <= now:
            raise _Refused("signature_expired")
