"""A good value for each parameter of the routes, as the documents show it.

By name, or by path and name where the name alone leaves open of what it is. An id stands for one that only a node can
know. A test holds that every parameter of the documents has one that its schema takes, and that every one is used.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from creditmesh.schemas.examples import day

_ID = "0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11"
_INCLUSION = "/v1/exchange/feeds/{feed}/proofs/inclusion"
_CONSISTENCY = "/v1/exchange/feeds/{feed}/proofs/consistency"
_ORIGINS = "/v1/exchange/feeds/{feed}/origins"

SHOWN: Mapping[str, JsonValue] = {
    **dict.fromkeys(("case", "erasure", "id", "record", "review", "submission"), _ID),
    "after": 0,
    "as_of": day(0),
    "code": "administrative_penalty",
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "due_before": day(30),
    "feed": "up",
    "index": 1,
    "item": "administrative_penalty",
    "key": "8gT4kQ2mXz7P",
    "list": "judgment_defaulters",
    "matter": "procurement_review",
    "name": "penalty_kind",
    "node": "village",
    "officer": "W-17",
    "party": "market_regulation",
    "peer": "village",
    "q": "处罚",
    "since": day(-30),
    "size": 3,
    "task": f"{_ID}.3f9c2d1a7b40.procurement_bar",
    "until": day(0),
    f"{_CONSISTENCY}:from": 1,
    f"{_CONSISTENCY}:to": 3,
    f"{_ORIGINS}:until": 2,
    "If-Match": '"1"',
    "If-None-Match": '"12-20261130"',
    "Idempotency-Key": "0b6f3c1e-2d6a-4a58-9c0e-7f1d5a2b8e44",
    "Creditmesh-To": "city",
    "Content-Digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    "Signature-Input": 'sig=("@method" "@target-uri");created=1790000000;keyid="district/node-1"',
}
"""A parameter with a default shows that, and one of a few values the first."""
