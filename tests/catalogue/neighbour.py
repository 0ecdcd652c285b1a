"""A node beside the one under test: its row, as its operator would hand it over."""

from base64 import b64encode
from typing import Any

from creditmesh.catalogue.sandbox import invented_uscc


def row(code: str = "province", **other: Any) -> dict[str, Any]:
    """The row of a peer above; `other` says otherwise."""
    keys = [
        {"id": f"node-{code}", "use": "node", "alg": "ed25519", "public": b64encode(b"n" * 32).decode()},
        {"id": f"feed-{code}", "use": "feed", "alg": "x25519", "public": b64encode(b"f" * 32).decode()},
    ]
    names = {"code": code, "kind": "node", "name": f"Platform of {code}", "name_zh": f"{code} 平台"}
    placed = {"url": f"http://{code}.invalid:8443", "place": "above"}
    return {**names, "uscc": invented_uscc(code), "keys": keys, **placed, **other}
