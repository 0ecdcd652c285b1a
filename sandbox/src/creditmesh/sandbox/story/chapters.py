"""The chapters of the chain's story, in order."""

from collections.abc import Mapping

from rich.console import Console

from creditmesh.node.operator import Operator
from creditmesh.sandbox.callers import Callers
from creditmesh.sandbox.story.ending import WithdrawalChapter, YearChapter
from creditmesh.sandbox.story.listing import ListingChapter
from creditmesh.sandbox.story.objection import ObjectionChapter
from creditmesh.sandbox.story.propagation import PropagationChapter
from creditmesh.sandbox.story.queries import QueryChapter
from creditmesh.sandbox.story.repair import RepairChapter
from creditmesh.sandbox.story.screening import ScreeningChapter
from creditmesh.sandbox.story.stage import Stage
from creditmesh.sandbox.story.steps import Story
from creditmesh.sandbox.story.submission import SubmissionChapter
from creditmesh.schemas.identifiers import NodeCode


def tell(callers: Callers, operators: Mapping[NodeCode, Operator], console: Console) -> None:
    """Tell it all. StoryFailed at the first step whose check fails."""
    story = Story(console)
    stage = Stage(story=story, callers=callers, operators=operators)
    submission = SubmissionChapter(stage)
    submission.catalogue()
    submission.with_the_command()
    submission.other_files()
    submission.review()
    submission.again()
    submission.correction()
    propagation = PropagationChapter(stage)
    propagation.everywhere()
    propagation.as_one_history()
    propagation.with_their_origin()
    listing = ListingChapter(stage)
    listing.begins()
    listing.makes_tasks()
    listing.is_answered()
    screening = ScreeningChapter(stage, listing)
    screening.of_the_listed()
    screening.of_the_clean()
    queries = QueryChapter(stage, submission.person)
    queries.department()
    queries.bureau_without()
    queries.bureau_with()
    queries.bureau_after()
    queries.own_side()
    ObjectionChapter(stage).files()
    repair = RepairChapter(stage)
    repair.is_filed()
    repair.is_approved()
    repair.is_certified()
    listing.ends()
    withdrawal, year = WithdrawalChapter(stage), YearChapter(stage, queries)
    withdrawal.an_item()
    year.a_year()
    withdrawal.again()
    year.today()
    story.end()
