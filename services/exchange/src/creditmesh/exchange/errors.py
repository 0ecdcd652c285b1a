"""The refusals that are exchange's own."""

from creditmesh.chassis.errors import Conflict, Invalid, NotFound


class NoSuchFeed(NotFound):
    """404: there is no such feed, or it is not for this node."""

    code = "no_such_feed"
    title = "There is no such feed for you"
    title_zh = "没有可供您读取的该交换日志"

    def __init__(self) -> None:
        super().__init__("See GET /v1/exchange/feeds for yours.", "可读取的日志见 GET /v1/exchange/feeds。")


class BeyondFeed(Invalid):
    """422: a size, an index or a position that the feed does not have."""

    code = "beyond_feed"
    title = "The feed does not reach that far"
    title_zh = "交换日志尚未到达该位置"


class NotAcknowledged(Invalid):
    """422: an acknowledgement that does not fit the feed, its signer or its signature; nothing was kept."""

    code = "acknowledgement_refused"
    title = "The acknowledgement does not fit"
    title_zh = "收讫与日志或签名不符"


class NothingOffered(Conflict):
    """409: there is no row of this node that waits for an operator."""

    code = "nothing_offered"
    title = "No row of this node waits"
    title_zh = "没有待认可的该节点信息"


class NotStopped(Conflict):
    """409: this copy is not stopped."""

    code = "not_stopped"
    title = "The copy of this feed is not stopped"
    title_zh = "该日志副本并未停止"
