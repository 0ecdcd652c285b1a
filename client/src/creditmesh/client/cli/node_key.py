"""The key of a node that signed a receipt, kept the first time as `pull` keeps it, for `verify`."""

from collections.abc import Sequence
from pathlib import Path

from creditmesh.client.cli import say
from creditmesh.client.errors import ClientError, Unverified
from creditmesh.client.node import Node
from creditmesh.client.pins import pin, pinned
from creditmesh.client.statements import check_statement
from creditmesh.schemas.signed import SignedText, said
from creditmesh.schemas.verdicts import Receipt


def keep_key(node: Node, receipts: Sequence[SignedText], pins: Path) -> None:
    """Keep the key that the node publishes for itself if it signed these, and none is kept of it yet.

    What was sent was stored, and so nothing of this fails; it is told what stands in the way.
    """
    try:
        for receipt in receipts:
            _keep(node, receipt, pins)
    except Unverified as error:
        say.error(error)
    except ClientError as error:
        say.notice(
            f"{error.detail} The node's key is not kept: give it to `creditmesh verify` with --public.",
            f"{error.detail_zh}未保存节点公钥：核验时请用 --public 提供。",
        )


def _keep(node: Node, receipt: SignedText, pins: Path) -> None:
    code = said(Receipt, receipt).node
    if pinned(pins, code):
        return
    published = [key.public for key in node.catalogue.itself().keys if key.use == "node"]
    checked = check_statement(Receipt, receipt, node=code, believed=published)
    pin(pins, {code: checked.public}, again=False)
    say.notice(
        f"The key of {code} is kept for `creditmesh verify`: {checked.public}",
        f"已保存 {code} 节点的公钥，供 creditmesh verify 使用：{checked.public}",
    )
