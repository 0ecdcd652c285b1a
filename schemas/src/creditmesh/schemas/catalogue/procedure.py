"""The clocks of a case: how long who has, and on what basis; every jurisdiction has its own."""

from typing import Annotated, Literal

from pydantic import Field as Constraint

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel
from creditmesh.schemas.catalogue.narrowing import FREE, FROZEN, MAX, MIN, SUBSET
from creditmesh.schemas.identifiers import Code

Days = Annotated[int, Constraint(ge=0, le=366)]


class Procedure(CatalogueModel):
    """办理程序: the statutory clocks of one kind of case, in working days of the holiday calendar."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    case: Annotated[Literal["objection", "repair"], FROZEN]
    accept_working_days: Annotated[Days, MAX]
    """From filing to the body's acceptance, or its one list of what is missing."""
    decide_working_days: Annotated[Days, MAX]
    """From acceptance to the decision."""
    whole_working_days: Annotated[Days | None, MAX] = None
    """From the complete filing to the decision, however the days are split; None: no rule limits the whole."""
    appeal_working_days: Annotated[Days, MIN] = 0
    """From a refusal; 0: there is none here."""
    review_working_days: Annotated[Days, MAX] = 0
    """From an appeal to its decision."""
    documents: Annotated[tuple[Literal["proof", "commitment", "statement"], ...], SUBSET] = ()
    """What a filing needs before it can be accepted."""
    basis: Annotated[tuple[Basis, ...], FREE]
    verified: Annotated[bool, FREE] = True
