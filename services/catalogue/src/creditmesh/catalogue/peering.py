"""Whether a party's row says of a node what a node needs to be trusted with: an address, a place, keys, origins."""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from creditmesh.catalogue.finding import SoundnessFinding, at
from creditmesh.schemas.catalogue import Party, PublicKey
from creditmesh.schemas.identifiers import NodeCode

_ALGORITHMS = {"node": "ed25519", "feed": "x25519"}
_NO_KEY = {
    "no_node_key": (
        "The key with which it signs is missing; take its row as it shows it.",
        "缺少用于签名的密钥；请使用对方导出的完整信息。",
    ),
    "no_feed_key": (
        "The key for which it is sealed is missing; take its row as it shows it.",
        "缺少用于加密的密钥；请使用对方导出的完整信息。",
    ),
}
_KEY = 32
"""Bytes of a public key of either algorithm."""
_ID = re.compile(r"[a-z0-9-]{1,40}")
_NODE_CODE: TypeAdapter[str] = TypeAdapter(NodeCode)


def findings(party: Party) -> Iterator[SoundnessFinding]:
    """What is wrong with it as a node; of other parties only that they say anything of the kind."""
    if party.kind != "node":
        yield from _no_node(party)
        return
    for number, key in enumerate(party.keys):
        yield from _key(f"/keys/{number}", key)
    for twice in sorted(word for word, count in Counter(key.id for key in party.keys).items() if count > 1):
        yield at("/keys", "key_twice", f"{twice} stands there twice.", f"密钥 {twice} 重复。")
    if party.url is not None and not _is_address(party.url):
        yield at("/url", "address", "Give scheme, host and port: https://node.example:8443", "请填写协议、主机与端口。")
    if party.sends_for and party.place != "below":
        yield at("/sends_for", "not_below", "Only a node below sends for origins.", "仅下级节点可代为上传。")
    if party.place is not None:
        yield from _peer(party)


def _peer(party: Party) -> Iterator[SoundnessFinding]:
    if not _is_node_code(party.code):
        yield at("/code", "node_code", "A node's code has 2 to 16 small letters and digits.",
                 "节点代码须为 2 至 16 位小写字母或数字，以字母开头。")  # fmt: skip
    if party.url is None:
        yield at("/url", "no_address", "Say where the peer's gateway is.", "请填写对等节点网关地址。")
    for use in _ALGORITHMS:
        code = f"no_{use}_key"
        if not any(key.use == use for key in party.keys):
            yield at("/keys", code, *_NO_KEY[code])
    if party.place == "below" and party.code not in party.sends_for:
        yield at("/sends_for", "not_itself", "A node below sends for itself too.", "下级节点须包含自身。")


def _no_node(party: Party) -> Iterator[SoundnessFinding]:
    for name in ("keys", "url", "place", "sends_for"):
        if getattr(party, name):
            yield at(f"/{name}", "not_a_node", "Only a node has this.", "仅节点可有此项。")


def _key(pointer: str, key: PublicKey) -> Iterator[SoundnessFinding]:
    if not _ID.fullmatch(key.id):
        yield at(f"{pointer}/id", "key_id", "A key's id has small letters, digits and hyphens.",
                 "密钥编号仅含小写字母、数字与连字符。")  # fmt: skip
    if key.alg != _ALGORITHMS[key.use]:
        yield at(f"{pointer}/alg", "algorithm", f"A key of this use is {_ALGORITHMS[key.use]}.",
                 f"此用途的密钥算法须为 {_ALGORITHMS[key.use]}。")  # fmt: skip
    if not _is_key(key.public):
        yield at(f"{pointer}/public", "public_key", "The base64 of 32 bytes is expected.", "须为 32 字节的 Base64。")


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == _KEY
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    """Nothing but scheme, host and port: a path would be part of what is signed, and proxies change it."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and text.isprintable() and "@" not in parts.netloc and text == f"{parts.scheme}://{parts.netloc}"


def _is_node_code(code: str) -> bool:
    try:
        _NODE_CODE.validate_python(code)
    except ValidationError:
        return False
    return True
