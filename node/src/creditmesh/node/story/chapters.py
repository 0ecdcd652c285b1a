"""The chapters of a city node's story, in order."""

from rich.console import Console

from creditmesh.node.callers import Callers
from creditmesh.node.operator import Operator
from creditmesh.node.story.asking import Asking
from creditmesh.node.story.submitting import Submitting
from creditmesh.node.story.telling import Telling
from creditmesh.node.story.time_passing import TimePassing


def tell(callers: Callers, operator: Operator, console: Console) -> None:
    """Tell it all. StoryFailed at the first step whose check fails."""
    telling = Telling(console)
    submitting = Submitting(telling, callers)
    submitting.catalogue()
    submitting.with_the_command()
    submitting.other_files()
    submitting.review()
    submitting.again()
    submitting.correction()
    asking = Asking(telling, callers, submitting.person)
    asking.department()
    asking.bureau_without()
    asking.bureau_with()
    asking.bureau_after()
    asking.own_side()
    TimePassing(telling, callers, operator, asking).a_year()
    telling.end()
