"""Who calls: an enrolled node that signed its request, known by the public keys on its party's row.

Enrolling a peer is publishing its row, so there is no credential to hand over, to keep or to revoke here. What nodes
ask is safe to repeat and its signature lives for a minute (`chassis.http.signatures`): no nonce is kept.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Message, Receive

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.errors import Malformed, TooLarge
from creditmesh.chassis.http.signatures import KeyOf, SignedRequest, verify_request
from creditmesh.gateway.visit import Visit

SCOPES = frozenset({"exchange:pull"})
"""What every peer may do, and all it may."""
MOST = 1024 * 1024
"""Bytes of a signed body: it is compared with its digest before any of it goes on."""


class Peers:
    """Tells which peer signed a request, and whether its body is the signed one."""

    def __init__(self, key_of: KeyOf, *, node: str, clock: Clock) -> None:
        self._key_of = key_of
        self._node = node
        self._clock = clock

    def signed(self, visit: Visit) -> SignedRequest:
        """Whose signature it is; BadSignature if it is none."""
        path = visit.scope.get("raw_path") or visit.path.encode()
        return verify_request(
            node=self._node,
            method=visit.method,
            path=path.decode("latin-1"),
            query=visit.scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in visit.scope["headers"]],
            at=self._clock.instant(),
            key_of=self._key_of,
        )

    def caller(self, signed: SignedRequest) -> Caller:
        """The peer as the services know it."""
        return Caller(kind="node", party=signed.node, scopes=SCOPES, credential=f"node-{signed.node}")

    async def check_body(self, visit: Visit, signed: SignedRequest) -> None:
        """Take the whole body, compare it, and put it back; BadSignature if it is another, TooLarge beyond `MOST`."""
        body = await _whole(visit.receive)
        signed.check(body)
        visit.receive = _again(body, visit.receive)


async def _whole(receive: Receive) -> bytes:
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The body did not come whole.", "请求正文不完整。")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MOST:
            raise TooLarge(f"A signed body may have at most {MOST} bytes.", f"签名请求的正文不得超过 {MOST} 字节。")
        more = message.get("more_body", False)
    return b"".join(pieces)


def _again(body: bytes, receive: Receive) -> Callable[[], Coroutine[Any, Any, Message]]:
    """A receive that gives the body as one piece, and then what else comes."""
    waiting = [body]

    async def give() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return give
