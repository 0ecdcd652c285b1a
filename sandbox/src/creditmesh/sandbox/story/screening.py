"""A department that reviews a tender is told what applies to whom, and who gets the green channel."""

from creditmesh.sandbox.sample_files import clean_enterprise
from creditmesh.sandbox.story.cast import PROCUREMENT, REVIEW, enterprise
from creditmesh.sandbox.story.listing import ListingChapter
from creditmesh.sandbox.story.stage import CITY, NATION, Stage
from creditmesh.sandbox.story.steps import check
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.screenings import EligibilityIn, EligibilityOut, ScreenedIn, ScreeningOut
from creditmesh.schemas.subject import SubjectIn

OFFICER = "Officer Ke"


class ScreeningChapter:
    """The listed enterprise, and a clean one."""

    def __init__(self, stage: Stage, listing: ListingChapter) -> None:
        self._stage = stage
        self._listing = listing

    def of_the_listed(self) -> None:
        """What applies, on which list, from which record: the same at the city and at the nation."""
        with self._stage.story.step("a screening says what applies and why", "信用核查给出适用措施及依据") as say:
            for code in (CITY, NATION):
                found = self._screened(code)
                check(found.certainty == "exact", f"the number identifies the enterprise: {found.certainty}")
                because = [each for each in found.measures if each.record == self._listing.record]
                check(because, f"{code}: a measure applies because of the court's listing")
                check(found.use_until, "the answer says how long it may be used")
                measures = ", ".join(f"{each.measure} by {each.list}" for each in because)
                say(f"{code}: {measures}; use until {found.use_until}, decision {found.decision_id}")

    def of_the_clean(self) -> None:
        """The green channel for one enterprise, with its grounds, and not for the other, with the evidence."""
        with self._stage.story.step("a clean enterprise gets the green channel", "守信企业享受绿色通道") as say:
            clean, listed = self._eligible(clean_enterprise()), self._eligible(enterprise().subject)
            check(clean.eligible, "the clean enterprise is eligible")
            check(clean.rewards, "and for a reward of the matter")
            check(not listed.eligible, "the listed enterprise is not")
            check(listed.evidence, "and is told which records are in the way")
            say(f"{', '.join(clean.rewards)} by {', '.join(each.ground for each in clean.grounds)}")
            say(f"not for the listed: {len(listed.evidence)} adverse records in {listed.years} years")

    def _screened(self, code: NodeCode) -> ScreeningOut:
        subject = enterprise().subject
        asked = ScreenedIn(kind=subject.kind, document=subject.document)
        with self._stage.callers.node(self._stage.callers.having(PROCUREMENT, at=code)) as node:
            return node.screenings.screen(asked, matter=REVIEW, officer=OFFICER)

    def _eligible(self, subject: SubjectIn) -> EligibilityOut:
        asked = EligibilityIn(subject=subject)
        with self._stage.callers.node(self._stage.callers.having(PROCUREMENT, at=CITY)) as node:
            return node.screenings.eligibility(asked, matter=REVIEW, officer=OFFICER)
