"""What the bus tells of itself. Labels are readers, streams and ways; never a key, never a person."""

from prometheus_client import Counter, Gauge

LAG = Gauge("creditmesh_bus_lag_events", "How far the parts held here are behind their heads", ["reader", "stream"])
APPLIED = Counter("creditmesh_bus_applied_total", "Events passed, by the way they came", ["reader", "stream", "way"])
REPEATS = Counter("creditmesh_bus_repeats_total", "Events that came again and were skipped", ["reader", "stream"])
LOST_PARTS = Counter("creditmesh_bus_lost_parts_total", "Batches refused: the position had been moved", ["reader"])
RETRIES = Counter("creditmesh_bus_retries_total", "Batches rolled back and done again", ["reader"])
DEAD = Counter("creditmesh_bus_refused_events_total", "Events refused for good", ["reader", "stream"])
DEAD_LETTERS = Gauge(
    "creditmesh_bus_dead_letters", "Dead letters that stand in the parts held here", ["reader", "stream"]
)
ALARMS = Gauge("creditmesh_bus_alarms", "Parts that stand still or wait for the installation", ["reader", "stream"])
ORDERED = Counter("creditmesh_bus_ordered_total", "Events that got their number here")
UNORDERED = Counter("creditmesh_bus_unordered_total", "Queued events without a head to count on: set aside")
QUEUE_AGE = Gauge("creditmesh_bus_queue_age_seconds", "How long the oldest event has waited for its number")
QUEUE_LENGTH = Gauge("creditmesh_bus_queue_events", "Events that wait for their number")
PUBLISHED = Counter("creditmesh_bus_published_total", "Events that Kafka acknowledged", ["stream"])
UNPUBLISHED = Gauge("creditmesh_bus_unpublished_events", "Events with a number that were not published yet", ["stream"])
LEFT_OUT = Counter(
    "creditmesh_bus_left_out_total", "Events too large for Kafka, or unreadable: readers refill them", ["stream"]
)
FOREIGN = Counter("creditmesh_bus_foreign_total", "Kafka messages that are no event of the stream", ["stream"])
CLIENTS = Counter(
    "creditmesh_bus_kafka_client_restarts_total", "Kafka clients of processes that ended and were replaced"
)
