"""Words that events and feeds share: what a record comes to, and what the catalogue publishes."""

from typing import Literal

RecordState = Literal["published", "withdrawn", "repaired", "withheld", "erased"]
"""`withheld`: a copy whose newest content this node refused; what it said before is shown no more. `erased`: it ended
for good, and is deleted as soon as everybody who reads records knows it."""
Severity = Literal["minor", "general", "serious"]
Change = Literal[
    "accepted",
    "corrected",
    "marked",
    "unmarked",
    "repaired",
    "withdrawn",
    "reopened",
    "discharged",
    "withheld",
    "erased",
]
"""`discharged`: of all that the record says and is used for nothing concerns a person whom it names any more."""
Effect = Change | Literal["waits"]
"""What a revision does to its record. `waits`: it is withheld until what was said of it last has a word."""
ErasureGround = Literal["order", "unlawful", "consent_withdrawn"]
"""Why data of a person are erased before their term is over (个人信息保护法 art. 47): a court or an authority has
ordered it, they were collected unlawfully, or the person takes back a consent on which a record rests."""
UPHELD = "objection_upheld"
"""The reason of a revision that withdraws a record on an objection: what was decided, and no more. Whether it was an
error or a decision that fell, nobody has said."""
REVOKED, FALSE_MATERIAL = "reopened", "false_material"
"""The reasons of a revision by which what a case decided is revoked, whatever it leaves of the record; the second where
the repair was obtained so: a version before this one gave the first then too."""
ObjectKind = Literal["item", "list", "measure", "matter", "purpose", "party", "code_set", "rule", "procedure"]
"""The kinds of object the catalogue publishes."""
