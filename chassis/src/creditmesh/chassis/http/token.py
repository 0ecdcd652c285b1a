"""The internal token: how the gateway tells a service who calls. Services trust nothing else.

A compact JWS (Ed25519) for one audience, at most 60 s old. Signing and verifying cost some 90 and 230 us, which is more
than a small request; so a token says nothing of a single request (the request id travels beside it), the gateway uses
it again for a few seconds for the same credential, and a service verifies each token once.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.errors import Unauthenticated

HEADER = "x-creditmesh-token"
LIFE = 60
"""Seconds a token is valid."""
REUSE = 10
"""Seconds the gateway hands out the same token for the same caller."""
_ALGORITHM = "Ed25519"
_KEPT = 4096


class Mint:
    """The gateway's side: signs who calls for the service that is called."""

    def __init__(self, key: OKPKey, *, node: str, seconds: Callable[[], float] = time.time) -> None:
        self._key = key
        self._header = {"alg": _ALGORITHM, "kid": key.kid or key.thumbprint(), "typ": "creditmesh+jwt"}
        self._issuer = f"{node}/gateway"
        self._seconds = seconds
        self._kept: dict[tuple[Caller, str], tuple[float, str]] = {}

    def token(self, caller: Caller, *, audience: str) -> str:
        """A token for this caller at this service, signed now or at most `REUSE` seconds ago."""
        now = self._seconds()
        signed, token = self._kept.get((caller, audience), (0.0, ""))
        if now - signed >= REUSE:
            token = jwt.encode(self._header, self._claims(caller, audience, int(now)), self._key, [_ALGORITHM])
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[(caller, audience)] = (now, token)
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

    def __init__(self, key: OKPKey, *, node: str, audience: str, seconds: Callable[[], float] = time.time) -> None:
        self._key = key
        self._issuer = f"{node}/gateway"
        self._audience = audience
        self._seconds = seconds
        self._kept: dict[str, tuple[float, Caller]] = {}

    def caller(self, token: str) -> Caller:
        """The caller; Unauthenticated if the token is not one, not ours, not for us, or too old."""
        now = self._seconds()
        expires, caller = self._kept.get(token, (0.0, None))
        if caller is None or now >= expires:
            expires, caller = self._verified(token, now)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[token] = (expires, caller)
        return caller

    def _verified(self, token: str, now: float) -> tuple[float, Caller]:
        try:
            claims = jwt.decode(token, self._key, [_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise _refused() from error
        if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
            raise _refused()
        if not now - LIFE <= claims.get("iat", 0) <= now + 1 or now >= claims.get("exp", 0):
            raise _refused()
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
        return float(claims["exp"]), caller


def _refused() -> Unauthenticated:
    return Unauthenticated("The internal token is not valid for this service.", "内部令牌对本服务无效。")
