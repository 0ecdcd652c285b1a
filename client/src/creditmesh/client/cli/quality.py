"""`creditmesh quality`: how submitted rows were judged."""

from creditmesh.client.cli import given, incomplete, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit


@asks
def quality(
    asked: CommandCall,
    *,
    item: options.OfItem = None,
    party: options.OfParty = None,
    since: options.Since = None,
    until: options.Until = None,
) -> Exit:
    """数据质量：各条目的结果和上级拒收。How rows were judged, item by item; without days, of the last thirty."""
    with asked.node() as node:
        board = node.records.quality(item=item, party=party, since=given.day(since), until=given.day(until))
    if asked.as_json:
        show.one(board, as_json=True)
        return Exit.DONE
    say.answers.print(f"{board.since} — {board.until}")
    show.many(board.items, ("party", "item", "rows", "verdicts", "refused_by"), as_json=False)
    incomplete.tell(board)
    return Exit.DONE
