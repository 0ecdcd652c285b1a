"""Who plays: the invented parties and people of the story, and what it is about."""

from creditmesh.node.sample_files import a_person, identity
from creditmesh.schemas.subject import SubjectIn

FIRST = "penalties.csv"
"""The file that the story begins with."""
PENALTY = "administrative_penalty"
DEPARTMENT = "market_regulation"
BUREAU = "alpha_credit"
PERSON = "person"


def persons() -> dict[str, SubjectIn]:
    """Who gets a token for their own side, by the name that the sandbox's file gives them."""
    return {PERSON: identity(a_person(FIRST)[1])}
