"""The clocks of a case: how long who has, and on what basis; every jurisdiction has its own."""

from typing import Annotated, Literal

from pydantic import Field as Constraint

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel
from creditmesh.schemas.identifiers import Code

Days = Annotated[int, Constraint(ge=0, le=366)]


class Procedure(CatalogueModel):
    """办理程序: the statutory clocks of one kind of case, in working days of the holiday calendar."""

    code: Code
    name: str
    name_zh: str
    case: Literal["objection", "repair"]
    accept_working_days: Days
    """From filing to the body's acceptance, or its one list of what is missing."""
    decide_working_days: Days
    """From acceptance to the decision."""
    appeal_working_days: Days = 0
    """From a refusal; 0: there is none here."""
    review_working_days: Days = 0
    """From an appeal to its decision."""
    documents: tuple[Literal["proof", "commitment", "statement"], ...] = ()
    """What a filing needs before it can be accepted."""
    basis: tuple[Basis, ...]
    verified: bool = True
