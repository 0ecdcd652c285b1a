"""What the exchange counts."""

from prometheus_client import Gauge

BEHIND = Gauge(
    "creditmesh_feed_behind", "Whether peers verified more of a feed of this node than stands here", ["feed"]
)
