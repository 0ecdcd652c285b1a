"""Who asks about a person, on which ground, what they get, and that the person sees every one of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from creditmesh.sandbox.sample_files import identity
from creditmesh.sandbox.story.cast import BUREAU, PENALTY, PERSON
from creditmesh.sandbox.story.stage import Stage
from creditmesh.sandbox.story.steps import check, eventually, refusal
from creditmesh.sandbox.story.submission import NOTE
from creditmesh.schemas.queries import AuthorisationIn, QueryIn, QueryOut, RecordOut

MATTER = "procurement_review"
PURPOSE = "credit_assessment"


class QueryChapter:
    """Queries about one natural person with one penalty."""

    def __init__(self, stage: Stage, row: dict[str, str]) -> None:
        self._story = stage.story
        self._callers = stage.callers
        self._subject = identity(row)
        self._decision = row["CF_WSH"]
        self._authorisation: UUID | None = None
        self._as_of = date.today()  # noqa: DTZ011 - replaced by the node's legal date at the first answer

    def department(self) -> None:
        """A department with a matter."""
        with self._story.step("a department asks for a matter it handles", "部门依事项查询") as say:
            eventually(lambda: self._has_it(self.ask_as_department().released), "the record is in the read model")
            answer = self.ask_as_department()
            check(self._has_it(answer.released), "the person's penalty is released")
            check(answer.use_until > answer.as_of, "the answer says how long it may be used")
            self._as_of = answer.as_of
            say(f"released {len(answer.released)}, use until {answer.use_until}, decision {answer.decision_id}")

    def bureau_without(self) -> None:
        """A bureau without the person's permission."""
        with self._story.step("a bureau without an authorisation is refused", "征信机构无授权被拒绝") as say:
            problem = refusal(lambda: self.ask_as_bureau(None), code="no_authorisation")
            say(f"{problem.document.status} {problem.document.title_zh}")

    def bureau_with(self) -> None:
        """The person permits it; now it is answered."""
        with self._story.step("the person authorises it, and it is answered", "本人授权后查询成功") as say:
            given = AuthorisationIn(
                bureau=BUREAU,
                purpose=PURPOSE,
                items=(PENALTY,),
                valid_from=self._as_of,
                valid_until=self._as_of + timedelta(days=30),
                max_uses=3,
            )
            with self._callers.node(PERSON) as person:
                authorisation = person.me.authorise(given)
            self._authorisation = authorisation.id
            answer = self.ask_as_bureau(self._authorisation)
            check(self._has_it(answer.released), "the penalty is released")
            check({record.item for record in answer.released} == {PENALTY}, "and nothing that was not authorised")
            check(answer.use_until <= given.valid_until, "not usable for longer than the permission")
            say(f"authorised for {given.max_uses} uses until {given.valid_until}, signed {authorisation.token[:12]}…")

    def bureau_after(self) -> None:
        """The person takes it back; it holds at the next call."""
        with self._story.step("it is withdrawn, and the next call is refused", "撤回授权后立即失效") as say:
            assert self._authorisation is not None  # noqa: S101 - the chapter before gave it
            with self._callers.node(PERSON) as person:
                person.me.revoke(self._authorisation)
            refusal(lambda: self.ask_as_bureau(self._authorisation), code="no_authorisation")
            say("effective on the next call")

    def own_side(self) -> None:
        """The person sees their file and every attempt."""
        with (
            self._story.step("the person sees their file and every attempt", "本人查看档案与访问日志") as say,
            self._callers.node(PERSON) as person,
        ):
            file = person.me.file()
            check(self._has_it(file.records), "the file has the penalty, as it was corrected")
            exactly = {("bureau", "refused"): 2, ("bureau", "released"): 1}
            at_least = {("department", "released"): 1, ("subject", "released"): 1}

            def seen() -> Counter[tuple[str, str]]:
                return Counter((access.caller, access.outcome) for access in person.me.accesses())

            def whole() -> bool:
                found = seen()
                return all(found[kind] == n for kind, n in exactly.items()) and all(
                    found[kind] >= n for kind, n in at_least.items()
                )

            eventually(whole, "the log has every attempt, the person's own look too")
            say(", ".join(f"{caller} {outcome} {n}" for (caller, outcome), n in sorted(seen().items())))

    def _has_it(self, records: Iterable[RecordOut]) -> bool:
        ours = [record.fields for record in records if record.fields.get("CF_WSH") == self._decision]
        return len(ours) == 1 and ours[0].get("BZ") == NOTE

    def ask_as_department(self) -> QueryOut:
        """A query by an officer of a department with a matter."""
        query = QueryIn(subject=self._subject, purpose="statutory_duty", matter=MATTER, officer="Officer Ke")
        with self._callers.node("housing") as node:
            return node.queries.ask(query)

    def ask_as_bureau(self, authorisation: UUID | None) -> QueryOut:
        """A query by a bureau under this authorisation."""
        query = QueryIn(subject=self._subject, purpose=PURPOSE, authorisation=authorisation, officer="Analyst He")
        with self._callers.node(BUREAU) as node:
            return node.queries.ask(query)
