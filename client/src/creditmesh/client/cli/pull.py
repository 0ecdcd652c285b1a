"""`creditmesh pull FEED`: follows a feed of a node into a file, checking every page before it writes a line of it."""

from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from creditmesh.client.cli import options, say
from creditmesh.client.cli.asking import CommandCall, resumes
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.progress import counting
from creditmesh.client.errors import ClientError, Unsendable, Unverified
from creditmesh.client.node import Node
from creditmesh.client.pulled import PulledFile, pulled_file
from creditmesh.client.retries import Retries
from creditmesh.schemas.identifiers import FeedName

_WAIT = 30
_TIRELESS = Retries(attempts=1_000_000, longest=30.0)
"""Who follows a feed outlives the restarts of its node."""


@resumes
def pull(asked: CommandCall, feed: options.Feed, *, into: options.Into, follow: options.Follow = False) -> Exit:
    """拉取交换日志并逐页核验。Pull a feed into a file; each page is checked before a line of it is written.

    某页不符则停止，该页不写入，退出码为 2。A page that does not fit stops it with exit code 2; nothing of it is
    written.

    重新运行同一命令即从已有位置继续。Run the same command again to go on from where the file ends.
    """
    return _pull(asked, feed, pulled_file(into, _feed(feed)), follow=follow)


def _feed(name: str) -> str:
    try:
        feed: str = TypeAdapter(FeedName).validate_python(name)
    except ValidationError:
        raise Unsendable(
            "A feed is named up, down or down-<node>.", "交换日志名称应为 up、down 或 down-<节点>。"
        ) from None
    return feed


def _pull(asked: CommandCall, feed: str, file: Path, *, follow: bool) -> Exit:
    with asked.node() as node:
        pulled = _begun(node, feed, file)
        before = pulled.head.size
        total = _total(node, feed)
        with pulled.appending() as out, counting("条目 entries", done=before, total=total) as count:
            pages = node.exchange.follow(
                pulled.head,
                wait=_WAIT if follow else 0,
                retries=_TIRELESS if follow else None,
                waiting=count.waiting,
            )
            out.add((), pulled.head)  # the keys are pinned before the first page is asked for
            for entries, head in pages:
                out.add(entries, head)
                count.reached(head.size)
    if total is not None and pulled.head.size < total:
        raise Unverified(
            "withheld",
            f"The node says that the feed has {total} entries, and gives no more than {pulled.head.size}.",
            f"节点称该日志有 {total} 个条目，却只给出 {pulled.head.size} 个。",
            index=pulled.head.size,
        )
    _tell(pulled, before, as_json=asked.as_json)
    return Exit.DONE


def _begun(node: Node, feed: str, file: Path) -> PulledFile:
    """What the file has so far; of a new one, an empty head with the node's keys pinned."""
    pulled = PulledFile.at(file)
    if pulled is None:
        return PulledFile(file, node.exchange.start(feed))
    if not pulled.head.origin.endswith(f"/{feed}"):
        raise Unsendable(
            f"{file} has another feed in it, {pulled.head.origin}; give this one a file of its own.",
            f"{file} 中已是另一日志 {pulled.head.origin}；请另行指定文件。",
        )
    return pulled


def _total(node: Node, feed: str) -> int | None:
    with suppress(ClientError):  # a bar without an end is no reason not to pull
        return next((each.size for each in node.exchange.feeds() if each.feed == feed and each.peer is None), None)
    return None


def _tell(pulled: PulledFile, before: int, *, as_json: bool) -> None:
    head, root, file = pulled.head, pulled.head.range.root().hex(), say.printable(str(pulled.file))
    if as_json:
        document = {"origin": head.origin, "file": file, "size": head.size, "new": head.size - before}
        say.document(document | {"root": root, "checkpoint": head.checkpoint})
        return
    say.answers.print(f"{head.origin}: {head.size:,} 个条目 entries (+{head.size - before:,}) -> {file}")
    say.answers.print(f"根 root: {root}")
