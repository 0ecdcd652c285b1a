"""A penalty is repaired: gone from every tier's answers, and the certificate that proves it, verified off line."""

from functools import partial
from uuid import UUID

from creditmesh.client import ProblemError, certificates
from creditmesh.sandbox.callers import OFFICER
from creditmesh.sandbox.story.cast import DEPARTMENT, ENTERPRISE, enterprise
from creditmesh.sandbox.story.objection import record_of
from creditmesh.sandbox.story.stage import CITY, Stage
from creditmesh.sandbox.story.steps import check, eventually, refusal, seconds_until
from creditmesh.sandbox.story.views import asked, found
from creditmesh.schemas.cases import ActionIn, CaseIn, EvidenceKind
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.signed import SignedText

REPAIRED = "9004"
"""What the number of the decision has: a fine, decided more than three months ago."""
EVIDENCE: dict[EvidenceKind, bytes] = {
    "proof": b"%PDF-1.4\n% an invented proof that a fine was paid\n%%EOF\n",
    "commitment": b"%PDF-1.4\n% an invented credit commitment\n%%EOF\n",
}


class RepairChapter:
    """One repair of one general penalty that is older than three months."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._case = UUID(int=0)
        self._record = UUID(int=0)

    def is_filed(self) -> None:
        """Without its documents it is not accepted; with them it is."""
        stage = self._stage
        with stage.story.step("a repair is filed with its documents and accepted", "申请信用修复并获受理") as say:
            self._record = record_of(stage, REPAIRED)
            with stage.callers.node(DEPARTMENT + OFFICER) as officer, stage.callers.node(ENTERPRISE) as subject:
                filing = CaseIn(kind="repair", record=self._record, statement="罚款已缴清，违法行为已纠正。")
                self._case = subject.cases.file(filing).case
                filed = officer.cases.read(self._case)
                refusal(lambda: officer.cases.act(filed, ActionIn(action="accept")), code="documents_missing")
                for kind, content in EVIDENCE.items():
                    subject.cases.add_evidence(self._case, content, kind=kind, media_type="application/pdf")
                accepted = officer.cases.act(filed, ActionIn(action="accept"))
            check(accepted.state == "accepted", f"it is accepted, not {accepted.state}")
            say(f"refused while documents were missing; accepted with them, to be decided by {accepted.due}")

    def is_approved(self) -> None:
        """Approved by the body that made the record: shown, released and used nowhere any more."""
        stage = self._stage
        with stage.story.step("it is approved: the record is gone at every tier", "准予修复，各层级同步消除") as say:
            check(all(self._shows(code) for code in stage.tiers), "the record is shown at every tier")
            with stage.callers.node(DEPARTMENT + OFFICER) as officer:
                approving = ActionIn(action="approve", basis="示市监修〔2026〕1号")
                officer.cases.act(officer.cases.read(self._case), approving)
            for code in stage.tiers:
                took = seconds_until(partial(self._gone, code), f"{code} shows it no more")
                say(f"{code} after {took:.2f} s")

    def is_certified(self) -> None:
        """Every node above has acknowledged, which the certificate proves to anybody."""
        stage = self._stage
        with stage.story.step("the certificate says who knows, and verifies", "同步更新证明可离线验证") as say:
            above = set(stage.tiers) - {CITY}
            eventually(lambda: self._proved_by() >= above, f"{' and '.join(sorted(above))} have acknowledged")
            with stage.callers.public(CITY) as node:
                keys = next(each.keys for each in node.catalogue.parties() if each.code == CITY)
            certificate = certificates.check(
                self._certificate(), trusted=[key.public for key in keys if key.use == "node"]
            )
            check(certificate.complete, f"everybody has acknowledged but {certificate.pending}")
            say(", ".join(f"{line.holder} {line.outcome}" for line in certificate.lines))
            say(f"its signature and {len(above)} inclusion proofs hold, by the client's verifier")

    def _proved_by(self) -> set[str]:
        try:
            lines = certificates.check(self._certificate()).lines
            return {line.holder for line in lines if line.proof is not None}
        except ProblemError as problem:
            check(problem.code == "no_certificate", str(problem))
            return set()  # the repair service has not seen the revision yet

    def _certificate(self) -> SignedText:
        with self._stage.callers.node(ENTERPRISE) as subject:
            return subject.cases.certificate(self._case)

    def _gone(self, code: NodeCode) -> bool:
        return not self._shows(code)

    def _shows(self, code: NodeCode) -> bool:
        public = self._record in found(self._stage, code, enterprise().subject)
        released = asked(self._stage, code, enterprise().subject).released
        return public or any(each.record == self._record for each in released)
