"""What an answer or a list says of itself: that it is not whole, and where more is told."""

from collections.abc import Mapping

from creditmesh.client.cli import say

_UNREADABLE = (
    "The node cannot read all records just now: {}. Silence proves nothing; ask again later.",
    "节点暂时无法读取部分记录：{}；未返回不代表没有记录，请稍后再查。",
)
_OUT_OF_REACH = (
    "The credential does not reach all that was asked for ({}): silence proves nothing.",
    "凭证未覆盖全部所查条目（{}）：未返回不代表没有记录。",
)
_LIMITED = (
    "The credential is limited to some items: there may be more, and silence proves nothing.",
    "凭证仅覆盖部分条目：可能还有其他内容，未返回不代表没有。",
)
_COPIES = (
    "Copies may be at {} too: who looks there is in the log there at once, and here when their feeds have come.",
    "{} 也可能存有副本：在该处的查看即时记入当地日志，待其交换日志到达后记入此处。",
)


def document(answer: object) -> Mapping[str, object]:
    """What is to be said of an answer, under the API's names; nothing of one that is whole."""
    unreadable, copies = getattr(answer, "unreadable", ()), getattr(answer, "copies_at", ())
    said = {"unreadable": [str(each) for each in unreadable], "copies_at": list(copies)}
    return ({"partial": True} if getattr(answer, "partial", False) else {}) | {k: v for k, v in said.items() if v}


def tell(answer: object) -> None:
    """The same to people, a notice each."""
    said, out_of_reach = document(answer), getattr(answer, "out_of_reach", ())
    if "unreadable" in said:
        _notice(_UNREADABLE, said["unreadable"])
    if out_of_reach:
        _notice(_OUT_OF_REACH, out_of_reach)
    if "partial" in said and "unreadable" not in said and not out_of_reach:
        _notice(_LIMITED, ())
    if "copies_at" in said:
        _notice(_COPIES, said["copies_at"])


def _notice(texts: tuple[str, str], named: object) -> None:
    names = ", ".join(map(str, named)) if isinstance(named, list | tuple) else ""
    say.notice(*(text.format(names) for text in texts))
