"""A department's files go in: accepted, refused, held, released, sent again, corrected."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from creditmesh.sandbox.sample_files import FOLDER, a_person, samples
from creditmesh.sandbox.story.cast import DEPARTMENT, FIRST, PENALTY
from creditmesh.sandbox.story.stage import CITY, Stage
from creditmesh.sandbox.story.steps import check
from creditmesh.schemas.verdicts import VERDICTS, Verdict, VerdictWord

MEASURES = 5
NOTE = "更正：补充备注"


class SubmissionChapter:
    """What a department does; `person` is the row of the natural person the rest of the story is about."""

    def __init__(self, stage: Stage) -> None:
        self._story = stage.story
        self._callers = stage.callers
        self._samples = samples()
        self.number, self.person = a_person(FIRST)
        self._held: Verdict | None = None

    def catalogue(self) -> None:
        """The node says what the law lets it collect."""
        with self._story.step("the catalogue is published", "目录已发布") as say, self._callers.public(CITY) as node:
            glance = node.catalogue.glance()
            check(glance.counts.get("item") == len(list(node.catalogue.items())), "the directory lists every item")
            check(glance.counts["measure"] >= MEASURES, f"{MEASURES} measures")
            say(", ".join(f"{count} {kind}" for kind, count in glance.counts.items()))
            unverified = sum(len(codes) for codes in glance.unverified.values())
            say(f"{unverified} objects are marked unverified: no source confirmed their basis yet")

    def with_the_command(self) -> None:
        """`creditmesh submit`, as an integrator would."""
        expected = self._samples.files[FIRST]
        with self._story.step(f"creditmesh submit samples/{FIRST}", "部门报送处罚数据") as say:
            done = subprocess.run(  # noqa: S603 - our own command
                [
                    *(str(Path(sys.executable).parent / "creditmesh"), "submit", str(FOLDER / FIRST)),
                    *("--item", expected.item, "--sandbox", DEPARTMENT),
                    *("--sandbox-file", str(self._callers.path), "--json", "--no-save"),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            check(done.returncode == 1, f"exit code 1 because rows were refused, not {done.returncode}: {done.stderr}")
            say("exit code 1: some rows were refused, and each says why")

    def other_files(self) -> None:
        """The other departments' files, in each form and encoding."""
        others = {name: expected for name, expected in self._samples.files.items() if name != FIRST}
        with self._story.step(f"departments send {len(others)} more files", "各部门报送其余文件") as say:
            reasons: Counter[str] = Counter()
            for name, expected in others.items():
                verdicts = self._submit(name)
                counts = Counter(verdict.verdict for verdict in verdicts)
                check(dict(counts) == expected.counts, f"{name}: expected {expected.counts}, got {dict(counts)}")
                say(f"{name}: {_counted(counts)}")
                reasons.update(r.code for v in verdicts if v.verdict in {"held", "refused"} for r in v.reasons)
            say("reasons: " + ", ".join(f"{code} {count}" for code, count in reasons.most_common(6)))

    def review(self) -> None:
        """A named officer looks at a held row and releases it."""
        with (
            self._story.step("an officer releases a held row", "工作人员审核通过一条待审核数据") as say,
            self._callers.node(f"{DEPARTMENT}_officer") as node,
        ):
            waiting = list(node.reviews.waiting())
            check(waiting, "rows wait for review")
            released = node.reviews.release(waiting[0].review, note="checked against the paper file")
            check(released.verdict == "accepted", f"the row is accepted, not {released.verdict}")
            check(len(list(node.reviews.waiting())) == len(waiting) - 1, "one fewer waits")
            say(f"{len(waiting)} waited; the first, held for {waiting[0].reasons[0].code}, is now a record")

    def again(self) -> None:
        """The same file once more, under a new key."""
        with self._story.step("the same file again changes nothing", "重复报送不产生变化") as say:
            verdicts = self._submit(FIRST)
            counts = Counter(verdict.verdict for verdict in verdicts)
            check(not counts["accepted"], f"nothing is new: {dict(counts)}")
            check(not counts["corrected"], f"nothing changes: {dict(counts)}")
            say(_counted(counts))

    def correction(self) -> None:
        """One record corrected, as a new revision of it."""
        with (
            self._story.step("a correction makes a new revision", "更正生成新版本") as say,
            self._callers.node(DEPARTMENT) as node,
        ):
            row = {code: value for code, value in self.person.items() if value}
            unchanged = node.records.submit(PENALTY, row)
            check(unchanged.verdict == "unchanged", f"the row as it was: {unchanged.verdict}")
            check(unchanged.record is not None, "the verdict names the record")
            row["BZ"] = NOTE
            assert unchanged.record is not None  # noqa: S101 - checked above
            corrected = node.records.correct(unchanged.record, row, rev=unchanged.rev or 1, reason="supplemented")
            check(corrected.verdict == "corrected", f"it is corrected, not {corrected.verdict}")
            check(corrected.record == unchanged.record, "it is the same record")
            check(corrected.rev == (unchanged.rev or 1) + 1, "the next revision")
            stale = node.records.submit(PENALTY, {k: v for k, v in self.person.items() if v})
            check(stale.verdict == "unchanged", "a stale copy never rolls it back")
            say(f"revision {corrected.rev}; the older copy sent again is unchanged ({stale.reasons[0].code})")

    def _submit(self, name: str) -> list[Verdict]:
        expected = self._samples.files[name]
        with self._callers.node(expected.party) as node:
            submission = node.records.submit_file(FOLDER / name, item=expected.item)
            verdicts = list(submission)
            check(len(verdicts) == expected.rows, f"{expected.rows} verdicts, got {len(verdicts)}")
            check(submission.receipts, "a signed receipt")
            return verdicts


def _counted(counts: Counter[VerdictWord]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word])
