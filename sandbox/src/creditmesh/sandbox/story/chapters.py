"""The chapters of the chain's story, in order."""

from collections.abc import Mapping

from rich.console import Console

from creditmesh.node.operator import Operator
from creditmesh.sandbox.callers import Callers
from creditmesh.sandbox.story.arriving import Arriving
from creditmesh.sandbox.story.asking import Asking
from creditmesh.sandbox.story.listing import StoryListing
from creditmesh.sandbox.story.objecting import Objecting
from creditmesh.sandbox.story.repairing import Repairing
from creditmesh.sandbox.story.screening import Screening
from creditmesh.sandbox.story.stage import Stage
from creditmesh.sandbox.story.submitting import Submitting
from creditmesh.sandbox.story.telling import Telling
from creditmesh.sandbox.story.time_passing import TimePassing
from creditmesh.sandbox.story.withdrawing import Withdrawing
from creditmesh.schemas.identifiers import NodeCode


def tell(callers: Callers, operators: Mapping[NodeCode, Operator], console: Console) -> None:
    """Tell it all. StoryFailed at the first step whose check fails."""
    telling = Telling(console)
    stage = Stage(telling=telling, callers=callers, operators=operators)
    submitting = Submitting(stage)
    submitting.catalogue()
    submitting.with_the_command()
    submitting.other_files()
    submitting.review()
    submitting.again()
    submitting.correction()
    arriving = Arriving(stage)
    arriving.everywhere()
    arriving.as_one_history()
    arriving.with_their_origin()
    listing = StoryListing(stage)
    listing.begins()
    listing.makes_tasks()
    listing.is_answered()
    screening = Screening(stage, listing)
    screening.of_the_listed()
    screening.of_the_clean()
    asking = Asking(stage, submitting.person)
    asking.department()
    asking.bureau_without()
    asking.bureau_with()
    asking.bureau_after()
    asking.own_side()
    Objecting(stage).files()
    repairing = Repairing(stage)
    repairing.is_filed()
    repairing.is_approved()
    repairing.is_certified()
    listing.ends()
    Withdrawing(stage).an_item()
    TimePassing(stage, asking).a_year()
    telling.end()
