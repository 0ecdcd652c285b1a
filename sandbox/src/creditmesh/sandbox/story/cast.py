"""Who plays: the invented parties and people of the story, and what it is about."""

from creditmesh.sandbox.sample_files import KnownSubject, a_person, identity, samples
from creditmesh.schemas.subject import SubjectIn

FIRST = "penalties.csv"
"""The file that the story begins with."""
PENALTY, LICENCE, DEFAULTER = "administrative_penalty", "administrative_licence", "judgment_defaulter"
DEPARTMENT, COURT, BUREAU = "market_regulation", "court", "alpha_credit"
PERSON, ENTERPRISE = "person", "enterprise"
PROCUREMENT, REVIEW = "public_procurement", "procurement_review"
"""The duty and the matter of who asks in the story, at every tier."""


def enterprise() -> KnownSubject:
    """The enterprise that is listed, objects, and has a penalty repaired."""
    return samples().subjects["organisation"]


def persons() -> dict[str, SubjectIn]:
    """Who gets a token for their own side, by the name that the sandbox's file gives them."""
    return {PERSON: identity(a_person(FIRST)[1]), ENTERPRISE: enterprise().subject}
