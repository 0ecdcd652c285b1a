"""The internal token: how the gateway tells a service who calls. Services trust nothing else.

A compact JWS (Ed25519) for one audience, at most 60 s old, verified with the public half that its `kid` names: while
one key replaces another, gateways may sign with either. The clocks of two hosts may be half a minute apart. Signing and
verifying cost some 90 and 230 us, which is more than a small request; so a token says nothing of a single request (the
request id travels beside it), the gateway uses it again for a few seconds for the same credential, and a service
verifies each token once.

A caller never has this token, so one that a service refuses is the node's trouble and not the caller's. The service
answers 401 with the header `REFUSED`, which is all that somebody learns who calls a service's port past the gateway;
the door turns exactly that answer into 503 and an alarm. A request without a token is the public's: no route lets it in
that is not open to all.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import UUID

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import GuestProtocol, OKPKey

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.errors import Unauthenticated
from creditmesh.chassis.metrics import TOKENS_REFUSED
from creditmesh.chassis.recent import Recent

HEADER = "x-creditmesh-token"
REFUSED = "x-creditmesh-token-refused"
"""On the 401 of a service that refuses a token: why."""
LIFE = 60
"""Seconds a token is valid."""
REUSE = 10
"""Seconds the gateway hands out the same token for the same caller."""
LEEWAY = 30
"""Seconds that the clocks of the gateway's and the service's host may be apart, either way."""
_ALGORITHM = "Ed25519"
_KEPT = 4096
Refused = Literal["malformed", "key_unknown", "signature_wrong", "for_another", "not_yet_valid", "expired"]


class TokenRefused(Unauthenticated):
    """401: the internal token is not one, not ours, not for this service, or not of now."""

    code = "internal_token_invalid"
    title = "The internal token is not valid for this service"
    title_zh = "内部令牌对本服务无效"

    def __init__(self, detail: str = "", detail_zh: str = "", *, reason: Refused) -> None:
        super().__init__(detail, detail_zh, headers={REFUSED: reason})
        self.reason = reason


class Mint:
    """The gateway's side: signs who calls for the service that is called."""

    def __init__(self, key: OKPKey, *, node: str, seconds: Callable[[], float] = time.time) -> None:
        self._key = key
        self._header = {"alg": _ALGORITHM, "kid": key.kid or key.thumbprint(), "typ": "creditmesh+jwt"}
        self._issuer = f"{node}/gateway"
        self._seconds = seconds
        self._kept: Recent[tuple[Caller, str], tuple[float, str]] = Recent(_KEPT)

    def token(self, caller: Caller, *, audience: str) -> str:
        """A token for this caller at this service, signed now or at most `REUSE` seconds ago."""
        now = self._seconds()
        signed, token = self._kept.get((caller, audience)) or (0.0, "")
        if now - signed >= REUSE:
            token = jwt.encode(self._header, self._claims(caller, audience, int(now)), self._key, [_ALGORITHM])
            self._kept.put((caller, audience), (now, token))
        return token

    def _claims(self, caller: Caller, audience: str, now: int) -> dict[str, Any]:
        return {
            "iss": self._issuer,
            "aud": audience,
            "iat": now,
            "exp": now + LIFE,
            "sub": caller.credential,
            "kind": caller.kind,
            "scopes": sorted(caller.scopes),
            "party": caller.party,
            "officer": caller.officer,
            "subject": None if caller.subject is None else str(caller.subject),
            "items": None if caller.items is None else sorted(caller.items),
        }


class Verifier:
    """The service's side: who calls, if the token is the gateway's, for this service, and fresh."""

    def __init__(
        self, keys: Mapping[str, OKPKey], *, node: str, audience: str, seconds: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._issuer = f"{node}/gateway"
        self._audience = audience
        self._seconds = seconds
        self._kept: Recent[str, tuple[float, Caller]] = Recent(_KEPT)

    def caller(self, token: str) -> Caller:
        """The caller; TokenRefused if the token is not one, not ours, not for us, too old or of a time to come."""
        now = self._seconds()
        expires, caller = self._kept.get(token) or (0.0, None)
        if caller is None or now >= expires:
            try:
                expires, caller = self._verified(token, now)
            except TokenRefused as refused:
                TOKENS_REFUSED.labels("service", self._audience, refused.reason).inc()
                raise
            self._kept.put(token, (expires, caller))
        return caller

    def _verified(self, token: str, now: float) -> tuple[float, Caller]:
        claims = self._claims(token)
        if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
            raise _refused("for_another")
        made, expires = claims.get("iat", 0), claims.get("exp", 0)
        if made > now + LEEWAY:
            raise _refused("not_yet_valid")
        if min(made + LIFE, expires) + LEEWAY <= now:
            raise _refused("expired")
        subject, items = claims["subject"], claims["items"]
        caller = Caller(
            kind=claims["kind"],
            scopes=frozenset(claims["scopes"]),
            credential=claims["sub"],
            party=claims["party"],
            officer=claims["officer"],
            subject=None if subject is None else UUID(subject),
            items=None if items is None else frozenset(items),
        )
        return float(min(made + LIFE, expires) + LEEWAY), caller

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._key, [_ALGORITHM]).claims
        except BadSignatureError as error:
            raise _refused("signature_wrong") from error
        except (JoseError, ValueError) as error:
            raise _refused("malformed") from error

    def _key(self, token: GuestProtocol) -> OKPKey:
        """The public half that the token names; which algorithm it is used with is ours to say."""
        key = self._keys.get(str(token.headers().get("kid")))
        if key is None:
            raise _refused("key_unknown")
        return key


def _refused(reason: Refused) -> TokenRefused:
    return TokenRefused(
        "Services are called through the gateway; send the request there.",
        "服务只能经网关调用，请将请求发送至网关。",
        reason=reason,
    )
