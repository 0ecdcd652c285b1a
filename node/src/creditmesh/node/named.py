"""What an operator names on a command line, before it is part of an address: a peer, a feed, one of its entries."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from creditmesh.node.errors import NodeError
from creditmesh.schemas.identifiers import FeedName, NodeCode

_CODE: TypeAdapter[str] = TypeAdapter(NodeCode)
_FEED: TypeAdapter[str] = TypeAdapter(FeedName)


def node_code(text: str) -> NodeCode:
    """A node's code; NodeError if no node can have it."""
    return _read(_CODE, text, "a node's code, such as province", "节点代码，例如 province")


def feed_name(text: str) -> FeedName:
    """A feed's name; NodeError if no feed can have it."""
    return _read(_FEED, text, "a feed: up, down or down-<node>", "交换日志：up、down 或 down-<节点>")


def entry(text: str) -> tuple[FeedName, int]:
    """Feed and index of `FEED/INDEX`; NodeError if it is not such."""
    feed, _, index = text.partition("/")
    if not (index.isascii() and index.isdecimal() and len(index) <= _DIGITS):
        raise NodeError(
            f"{text!r} is no FEED/INDEX, such as up/12: take it from `creditmesh-node restore`, which lists them",
            f"{text!r} 不是 FEED/INDEX（例如 up/12）：请照 `creditmesh-node restore` 所列填写",
        )
    return feed_name(feed), int(index)


_DIGITS = 18
"""Of the largest index that the database can hold."""


def _read(adapter: TypeAdapter[Any], text: str, wanted: str, wanted_zh: str) -> str:
    try:
        read: str = adapter.validate_python(text)
    except ValidationError:
        raise NodeError(f"{text!r} is not {wanted}", f"{text!r} 不是{wanted_zh}") from None
    return read
