"""The refusals that are exchange's own."""

from creditmesh.chassis.errors import Conflict, Invalid, NotFound, Unavailable, Unmended


class NoSuchFeed(NotFound):
    """404: there is no such feed, or it is not for this node."""

    code = "no_such_feed"
    title = "There is no such feed for you"
    title_zh = "没有可供贵单位读取的该交换日志"

    def __init__(self) -> None:
        super().__init__("See GET /v1/exchange/feeds for yours.", "可读取的日志见 GET /v1/exchange/feeds。")


class BeyondFeed(Invalid):
    """422: a size, an index or a position that the feed does not have."""

    code = "beyond_feed"
    title = "The feed does not reach that far"
    title_zh = "交换日志尚未到达该位置"


class NotCompared(Unavailable):
    """503: since this process began neither all who read the feed have answered, nor one who holds a head of it."""

    code = "feed_not_compared"
    title = "The feed waits until the nodes that read it have said how far they have it"
    title_zh = "交换日志正等待各读取节点确认其已有进度"

    def __init__(self) -> None:
        super().__init__(
            "It goes on when all have answered, or one that holds a head of it. A node that is gone for good is taken "
            "out (`creditmesh-node peers remove`).",
            "全部读取节点应答，或其中一个持有该日志已签名树头的节点应答后即继续。"
            "已永久停用的节点请移除（`creditmesh-node peers remove`）。",
            headers={"Retry-After": "3"},
        )


class NotWrapped(Unavailable):
    """503: the caller was enrolled a moment ago, and the feed's keys are not wrapped to it yet."""

    code = "feed_not_wrapped"
    title = "The feed's keys are being wrapped to your node"
    title_zh = "正在将交换日志的密钥加封给贵单位的节点"

    def __init__(self) -> None:
        super().__init__("It is so in a moment; ask again.", "片刻后即可，请重试。", headers={"Retry-After": "1"})


class FeedBehind(Unmended):
    """503: peers have more of this feed than the node, or another history: its database was restored."""

    code = "feed_behind"
    title = "The feed is behind what others verified of it"
    title_zh = "交换日志落后于其他节点已验证的内容"

    def __init__(self) -> None:
        super().__init__(
            "Its operator runs `creditmesh-node restore`.",
            "请由该节点运维人员运行 `creditmesh-node restore`。",
            headers={"Retry-After": "30"},
        )


class NotRestored(Conflict):
    """409: what stands in the feed cannot be continued by what a peer has of it."""

    code = "feed_not_restored"
    title = "The feed cannot be restored from the peer's copy"
    title_zh = "无法以对方副本恢复该交换日志"


class NotSetAside(Conflict):
    """409: what stands in the feed cannot be set aside: somebody may hold it, or it is not what was looked at."""

    code = "feed_not_set_aside"
    title = "Nothing of the feed can be set aside"
    title_zh = "无法搁置该交换日志的内容"


class NothingLost(NotFound):
    """404: nothing that came back and is lost is listed at this place."""

    code = "nothing_lost"
    title = "Nothing that was lost is listed there"
    title_zh = "该处没有列出的丢失内容"
    remedy = "See GET /v1/admin/feeds/restored for what is."
    remedy_zh = "所列条目见 GET /v1/admin/feeds/restored。"


class StandsHere(Conflict):
    """409: a revision of the record is here, or is being made again: whoever made it can withdraw it."""

    code = "stands_here"
    title = "Something of this record is here"
    title_zh = "本节点存有该记录"


class NotOffered(Conflict):
    """409: the peer no longer gives the entries that were verified."""

    code = "entries_not_offered"
    title = "What was refused cannot be had from the peer again"
    title_zh = "无法再次取得此前被拒收的条目"


class CopyCatchingUp(Conflict):
    """409: the copy has not yet stood where its feed stood, so that nothing of it is told."""

    code = "copy_catching_up"
    title = "The copy of this feed is still catching up"
    title_zh = "该日志副本仍在追赶"

    def __init__(self) -> None:
        super().__init__(
            "What it has is judged when it has caught up; `creditmesh-node feeds list` says how far it is. Offer then.",
            "追平后才判定其条目；进度见 `creditmesh-node feeds list`，追平后再重新提交判定。",
        )


class NotKept(NotFound):
    """404: the entries after this place are not kept here as they came."""

    code = "entries_not_kept"
    title = "These entries are not kept here"
    title_zh = "此处未保留这些条目"


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
