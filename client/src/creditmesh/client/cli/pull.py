"""`creditmesh pull FEED`: follows a feed of a node into a file, checking every page before it writes a line of it."""

import json
from contextlib import suppress
from pathlib import Path

import typer
from pydantic import TypeAdapter, ValidationError

from creditmesh.client.cli import options, say
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.cli.progress import counting
from creditmesh.client.cli.target import Target, target_of, warn_of_key
from creditmesh.client.errors import ClientError, Unsendable, Unverified
from creditmesh.client.node import Node
from creditmesh.client.pulled import PulledFile, pulled_file
from creditmesh.client.retries import Retries
from creditmesh.schemas.identifiers import FeedName

_WAIT = 30
_TIRELESS = Retries(attempts=1_000_000, longest=30.0)
"""Who follows a feed outlives the restarts of its node."""


def pull(
    context: typer.Context,
    feed: options.Feed,
    *,
    into: options.Into,
    node: options.NodeUrl = None,
    key: options.Key = None,
    key_file: options.KeyFile = None,
    sandbox: options.Sandbox = None,
    sandbox_file: options.SandboxFile = Path("var/sandbox.json"),
    follow: options.Follow = False,
    as_json: options.AsJson = False,
) -> None:
    """拉取交换日志并逐页核验。Pull a feed into a file; each page is checked before a line of it is written.

    退出码 exit codes: 0 已到日志末尾 at the end of the feed; 2 某页不符（该页未写入）、用法或连接错误 a page did not
    fit (nothing of it was written), or usage or connection; 130 中断 interrupted.

    重新运行同一命令即从已有位置继续。Run the same command again to go on from where the file ends.
    """
    warn_of_key(context)

    def work() -> Exit:
        file = pulled_file(into, _feed(feed))
        target = target_of(node=node, key=key, key_file=key_file, sandbox=sandbox, sandbox_file=sandbox_file)
        return _pull(target, feed, file, follow=follow, as_json=as_json)

    raise typer.Exit(concluded(work, as_json=as_json))


def _feed(name: str) -> str:
    try:
        feed: str = TypeAdapter(FeedName).validate_python(name)
    except ValidationError:
        raise Unsendable(
            "A feed is named up, down or down-<node>.", "交换日志名称应为 up、down 或 down-<节点>。"
        ) from None
    return feed


def _pull(target: Target, feed: str, file: Path, *, follow: bool, as_json: bool) -> Exit:
    with Node(target.url, key=target.key) as node:
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
    _tell(pulled, before, as_json=as_json)
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
    head, root = pulled.head, pulled.head.range.root().hex()
    if as_json:
        document = {"origin": head.origin, "file": str(pulled.file), "size": head.size, "new": head.size - before}
        say.answers.print(json.dumps(document | {"root": root, "checkpoint": head.checkpoint}, ensure_ascii=False))
        return
    say.answers.print(f"{head.origin}: {head.size:,} 个条目 entries (+{head.size - before:,}) -> {pulled.file}")
    say.answers.print(f"根 root: {root}")
