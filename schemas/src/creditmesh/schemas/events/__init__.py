"""Every event type of a node, by the stream that carries it."""

from creditmesh.schemas.events.access import (
    AccessReceived,
    AccessRecorded,
    AccessToPass,
    CopiesDisclosed,
    DisclosedToBureau,
)
from creditmesh.schemas.events.base import Envelope, Event
from creditmesh.schemas.events.case import CaseChanged
from creditmesh.schemas.events.catalogue import CatalogueChanged, ClockChanged
from creditmesh.schemas.events.entries import EntriesJudged, PageReceived
from creditmesh.schemas.events.holder import HolderChanged
from creditmesh.schemas.events.reading import UnknownWord, read_event
from creditmesh.schemas.events.record import RecordChanged, RecordPurged, Related, RevisionOutnumbered
from creditmesh.schemas.events.task import TaskChanged

EVENTS: tuple[type[Event], ...] = (
    AccessReceived,
    AccessRecorded,
    AccessToPass,
    CaseChanged,
    CatalogueChanged,
    ClockChanged,
    CopiesDisclosed,
    DisclosedToBureau,
    EntriesJudged,
    HolderChanged,
    PageReceived,
    RecordChanged,
    RecordPurged,
    RevisionOutnumbered,
    TaskChanged,
)

__all__ = [
    "EVENTS",
    "AccessReceived",
    "AccessRecorded",
    "AccessToPass",
    "CaseChanged",
    "CatalogueChanged",
    "ClockChanged",
    "CopiesDisclosed",
    "DisclosedToBureau",
    "EntriesJudged",
    "Envelope",
    "Event",
    "HolderChanged",
    "PageReceived",
    "RecordChanged",
    "RecordPurged",
    "Related",
    "RevisionOutnumbered",
    "TaskChanged",
    "UnknownWord",
    "read_event",
]
