"""`creditmesh verify TARGET`: checks again, off line, what a node signed and somebody kept."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from creditmesh.client.cli import options, say
from creditmesh.client.cli.certificate import verify_certificate
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.feeds import FeedHead
from creditmesh.client.pulled import SUFFIX, PulledFile, was_pulled
from creditmesh.schemas.exchange import base64_text

Kept = Annotated[
    Path,
    typer.Argument(
        help="pull 所得的文件或文件夹，或案件的同步更新证明（JSON）。What pull made, or a certificate of a case.",
        show_default=False,
    ),
]


def verify(
    target: Kept,
    *,
    public: options.Public = None,
    pins: options.Pins = options.PINS,
    repin: options.Repin = False,
    as_json: options.AsJson = False,
) -> None:
    """离线核验。Check off line that everything is still what the node signed; nothing is asked of any node.

    退出码 exit codes: 0 全部相符 everything fits; 1 不符 something does not; 2 无法核验 it could not be checked.
    """

    def work() -> Exit:
        if target.suffix == ".json" and target.is_file() and not was_pulled(target):
            return verify_certificate(target, trusted=public or (), pins=pins, repin=repin, as_json=as_json)
        return _verify(target, trusted=public or (), as_json=as_json)

    raise typer.Exit(concluded(work, as_json=as_json))


def _verify(target: Path, *, trusted: Collection[str], as_json: bool) -> Exit:
    files = sorted(target.glob(f"*{SUFFIX}")) if target.is_dir() else [target]
    if not files:
        raise _nothing(target)
    return max([_verify_feed(file, trusted=trusted, as_json=as_json) for file in files])


def _verify_feed(file: Path, *, trusted: Collection[str], as_json: bool) -> Exit:
    try:
        pulled = PulledFile.at(file)
        if pulled is None:
            raise _nothing(file)
        pulled.check(trusted=trusted)
    except Unverified as broken:
        if not as_json:
            say.answers.print(f"不符 DOES NOT FIT: {file}")
        say.error(broken, as_json=as_json)
        return Exit.REFUSED
    _tell(file, pulled.head, trusted=trusted, as_json=as_json)
    return Exit.DONE


def _tell(file: Path, head: FeedHead, *, trusted: Collection[str], as_json: bool) -> None:
    publics = [base64_text(public) for public in head.publics]
    if as_json:
        document = {"file": str(file), "origin": head.origin, "size": head.size, "root": head.range.root().hex()}
        document["publics"] = publics
        say.answers.print(json.dumps(document, ensure_ascii=False))
    else:
        say.answers.print(f"相符 fits: {file}: {head.origin}, {head.size:,} 个条目 entries")
        say.answers.print(f"根 root: {head.range.root().hex()}")
    if not trusted:
        node = head.origin.split("/")[1]
        keys = ", ".join(publics)
        say.notice(
            f"Checked with the key that was kept beside the file; compare it with the row of {node} in its catalogue, "
            f"or give it with --public: {keys}",
            f"核验所用为文件旁保存的公钥；请与 {node} 节点目录中公布的公钥比对，或用 --public 提供：{keys}",
        )


def _nothing(target: Path) -> Unsendable:
    return Unsendable(f"{target}: nothing that was pulled is there.", f"{target}：没有拉取得到的内容。")
