"""Every event type of a node, by the stream that carries it."""

from creditmesh.schemas.events.access import (
    AccessReceived,
    AccessRecorded,
    AccessToPass,
    CopiesDisclosed,
    DisclosedToBureau,
)
from creditmesh.schemas.events.base import Event
from creditmesh.schemas.events.case import CaseChanged
from creditmesh.schemas.events.catalogue import CatalogueChanged, ClockChanged
from creditmesh.schemas.events.chain import ChainChanged
from creditmesh.schemas.events.entries import EntriesJudged, PageReceived
from creditmesh.schemas.events.holder import HolderChanged
from creditmesh.schemas.events.record import RecordChanged, RecordPurged, RevisionOutnumbered
from creditmesh.schemas.events.task import TaskChanged

EVENTS: tuple[type[Event], ...] = (
    AccessReceived,
    AccessRecorded,
    AccessToPass,
    CaseChanged,
    CatalogueChanged,
    ChainChanged,
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
