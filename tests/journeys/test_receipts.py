"""Whoever was given a receipt or an authorisation can check it with what is open to all, and with nothing else."""

from base64 import b64decode, urlsafe_b64decode
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.cast import ITEM, Cast, penalty


async def published(cast: Cast, key: str) -> Ed25519PublicKey:
    """The node's key of that id, as the public directory has it."""
    parties = (await cast.door().get("/v1/catalogue/parties", params={"limit": 200})).json()["items"]
    (own,) = [party for party in parties if party["code"] == "city"]
    assert {each["use"] for each in own["keys"]} == {"node", "feed"}
    (found,) = [each for each in own["keys"] if each["id"] == key]
    assert (found["use"], found["alg"]) == ("node", "ed25519")
    assert not [party for party in parties if party["kind"] != "node" and party["keys"]]
    return Ed25519PublicKey.from_public_bytes(b64decode(found["public"]))


async def test_a_receipt_is_checked_with_the_nodes_row_in_the_directory(cast: Cast):
    rows = [penalty(f"示收〔2026〕{number}号", today=cast.today) for number in (1, 2, 3)]
    answer = await cast.door("owner").post(f"/v1/items/{ITEM}/records", json=rows)
    *lines, last = answer.content.splitlines(keepends=True)
    given: dict[str, str] = orjson.loads(last)["receipt"]
    receipt: dict[str, Any] = orjson.loads(given["signed"])
    assert receipt["digest"] == f"sha-256:{sha256(b''.join(lines)).hexdigest()}"
    signature = b64decode(given["signature"])
    key = await published(cast, receipt["key"])
    key.verify(signature, given["signed"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(signature, given["signed"].replace('"accepted":3', '"accepted":4').encode())


async def test_an_authorisation_is_checked_with_the_same_row(cast: Cast):
    head, claims, signature = cast.ids["authorisation token"].split(".")
    key = await published(cast, orjson.loads(urlsafe_b64decode(head + "=="))["kid"])
    key.verify(urlsafe_b64decode(signature + "=="), f"{head}.{claims}".encode())
