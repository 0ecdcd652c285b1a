"""`creditmesh verify TARGET`: checks again, off line, what a node signed and somebody kept."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from creditmesh.client.cli import options, say
from creditmesh.client.cli.certificate import verify_certificate
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.cli.receipt import KeySource, verify_acknowledgement, verify_authorisation, verify_receipt
from creditmesh.client.cli.signed_file import read_signed
from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.feeds import FeedHead
from creditmesh.client.pulled import SUFFIX, PulledFile, was_pulled
from creditmesh.schemas.exchange import base64_text

Kept = Annotated[
    Path,
    typer.Argument(
        help="pull 所得的文件或文件夹、案件的同步更新证明、回执、收讫或授权。What pull made, or a certificate, "
        "receipt, acknowledgement or authorisation; what it is, is found from the file.",
        show_default=False,
    ),
]
_Verdicts = Annotated[
    Path | None, typer.Option(help="回执所签的逐行结果。The verdicts that a receipt was signed over, checked with it.")
]


def verify(
    target: Kept,
    *,
    public: options.Public = None,
    verdicts: _Verdicts = None,
    pins: options.Pins = options.PINS,
    repin: options.Repin = False,
    as_json: options.AsJson = False,
) -> None:
    """离线核验节点签名的文件。Check off line that everything is still what a node signed; no node is asked.

    所认可的公钥会一并给出。The key that was believed is said with the answer.

    不符则退出码为 1。The exit code is 1 where something does not fit.
    """

    def work() -> Exit:
        try:
            if target.is_file() and not was_pulled(target) and target.suffix != SUFFIX:
                return _verify_signed(target, public or (), verdicts, pins, repin=repin, as_json=as_json)
            return _verify(target, trusted=public or (), as_json=as_json)
        except Unverified as broken:
            return _unfit(target, broken, as_json=as_json)

    raise typer.Exit(concluded(work, as_json=as_json))


def _verify_signed(
    file: Path, trusted: Collection[str], verdicts: Path | None, pins: Path, *, repin: bool, as_json: bool
) -> Exit:
    kind, signed = read_signed(file)
    keys = KeySource(trusted, pins, repin=repin)
    try:
        if isinstance(signed, str):
            return verify_authorisation(file, signed, keys, as_json=as_json)
        if kind == "certificate":
            return verify_certificate(file, signed, trusted=trusted, pins=pins, repin=repin, as_json=as_json)
        if kind == "receipt":
            return verify_receipt(file, signed, keys, verdicts=verdicts, as_json=as_json)
        return verify_acknowledgement(file, signed, keys, as_json=as_json)
    except ValidationError:
        raise Unverified("malformed", f"What is signed is no {kind}.", "所签内容与其种类不符。") from None


def _unfit(file: Path, broken: Unverified, *, as_json: bool) -> Exit:
    if not as_json:
        say.answers.print(f"不符 DOES NOT FIT: {say.printable(str(file))}")
    say.error(broken, as_json=as_json)
    return Exit.REFUSED


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
        return _unfit(file, broken, as_json=as_json)
    _tell(file, pulled.head, trusted=trusted, as_json=as_json)
    return Exit.DONE


def _tell(file: Path, head: FeedHead, *, trusted: Collection[str], as_json: bool) -> None:
    name = say.printable(str(file))
    publics = [base64_text(public) for public in head.publics]
    if as_json:
        document = {"file": name, "kind": "feed", "origin": head.origin, "size": head.size}
        say.document(document | {"root": head.range.root().hex(), "publics": publics})
    else:
        say.answers.print(f"相符 fits: {name}: {head.origin}, {head.size:,} 个条目 entries")
        say.answers.print(f"根 root: {head.range.root().hex()}")
        say.answers.print(f"所认可的公钥 key believed: {', '.join(publics)}")
    if not trusted:
        node = head.origin.split("/")[1]
        keys = ", ".join(publics)
        say.notice(
            f"Checked with the key that was kept beside the file; compare it with the row of {node} in its catalogue, "
            f"or give it with --public: {keys}",
            f"核验所用为文件旁保存的公钥；请与 {node} 节点目录中公布的公钥比对，或用 --public 提供：{keys}",
        )


def _nothing(target: Path) -> Unsendable:
    name = say.printable(str(target))
    return Unsendable(f"{name}: nothing that was pulled is there.", f"{name}：没有拉取得到的内容。")
