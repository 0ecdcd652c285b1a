"""Metrics of HTTP and of the process; the bus keeps its own. Labels are routes and services, never a person."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("creditmesh_requests_total", "Requests answered", ["service", "route", "status"])
SECONDS = Histogram(
    "creditmesh_request_seconds",
    "Time to the answer",
    ["service", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
UNITS = Counter("creditmesh_unit_restarts_total", "Units ended by an Uncertain and started again", ["unit"])
PRUNED = Counter("creditmesh_pruned_total", "Rows removed because their term was over", ["kept", "of"])
FEED_BEHIND = Gauge(
    "creditmesh_feed_behind", "Whether peers verified more of a feed of this node than stands here", ["feed"]
)
FEED_LAGGING = Gauge(
    "creditmesh_feed_lagging_entries",
    "Entries of the feed of a node below that this node had answered for and has not again since it was restored",
    ["peer"],
)
FEED_UNFORGOTTEN = Gauge(
    "creditmesh_feed_unforgotten_entries",
    "Entries of a feed of this node that were not looked through yet for what is to be forgotten",
    ["feed"],
)
KEPT_SINCE = Gauge(
    "creditmesh_kept_since_seconds", "When the oldest row that is kept was written, Unix time", ["kept", "of"]
)
SPLIT_SUBJECTS = Counter(
    "creditmesh_split_subjects_total", "Times a person was found to have two subjects; see vault.split"
)
UNREADABLE_BODIES = Counter(
    "creditmesh_unreadable_bodies_total",
    "Times a record was left out of an answer because it cannot be read; logs name the records",
    ["of"],
)
TOKENS_REFUSED = Counter(
    "creditmesh_internal_tokens_refused_total",
    "Internal tokens that a service refused, as the service and as the gateway saw it",
    ["at", "service", "reason"],
)
FEED_STOPPED = Gauge(
    "creditmesh_feed_stopped", "Copies of peers' feeds that stand still until an operator has looked", ["peer", "feed"]
)
FEED_REFUSED = Gauge(
    "creditmesh_feed_refused",
    "Feeds of which a peer refuses the next page, or what proves it, again and again",
    ["peer", "feed"],
)
FEED_WAITING = Gauge(
    "creditmesh_feed_waiting_entries",
    "Entries of peers' feeds that wait for a newer version of this node",
    ["peer", "feed"],
)
