"""`creditmesh screen FILE`: asks what applies to the subjects in a file, for one matter."""

import csv
import io
from collections import Counter
from pathlib import Path

from creditmesh.client.cli import options, say
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.progress import counting
from creditmesh.client.cli.resume import beside
from creditmesh.client.cli.writing import written
from creditmesh.client.subjects import subjects_of
from creditmesh.schemas.screenings import ScreeningOut

_COLUMNS = (
    "row", "certainty", "designations", "measures", "rewards", "disputed", "unreadable",
    "decision_id", "use_until", "as_of",
)  # fmt: skip
_WORDS = {"exact": "已识别", "partial": "答复不完整", "number_needed": "需提供号码", "invalid": "号码无效"}
_STEP = 100


@asks
def screen(
    asked: CommandCall,
    file: options.Subjects,
    *,
    matter: options.Matter,
    officer: options.Officer = None,
    charset: options.Charset = None,
    results: options.Results = None,
) -> Exit:
    """按事项核查文件中的主体。Ask for one matter what applies to each subject in a file.

    每个主体都可在其访问日志中看到此次核查。Each subject finds the screening in their own log.

    有主体未识别，或答复不完整（凭证未覆盖该事项的全部条目，或节点暂时无法读取某些记录）的，退出码为 1。

    The exit code is 1 where some were not identified, or not all is said of them: the credential does not reach every
    item of the matter (`out_of_reach`), or the node cannot read some records just now (`unreadable`).
    """
    out = results or beside(file, ".screened.ndjson")
    return _screen(asked, file, out, matter=matter, officer=officer, charset=charset)


def _screen(
    asked: CommandCall, file: Path, out: Path, *, matter: str, officer: str | None, charset: str | None
) -> Exit:
    table = out.suffix.lower() == ".csv"
    seen: Counter[str] = Counter()
    with asked.node() as node:
        subjects = subjects_of(file, code_sets=node.catalogue.code_set, charset=charset)
        with written(out) as answers, counting("主体 subjects", total=len(subjects)) as count:
            if table:
                answers.write(b"\xef\xbb\xbf" + _cells(_COLUMNS))
            for answer in node.screenings.screen_many(subjects, matter=matter, officer=officer):
                answers.write(_row(answer) if table else answer.model_dump_json().encode() + b"\n")
                _count(seen, answer)
                if answer.row % _STEP == 0:
                    count.reached(answer.row)
    _tell(seen, len(subjects), out, as_json=asked.as_json)
    return Exit.DONE if seen["exact"] == len(subjects) else Exit.REFUSED


def _row(answer: ScreeningOut) -> bytes:
    """An answer as a row of a table: codes, and never who it is about, which `row` says."""
    designations = " ".join(sorted({each.list for each in answer.designations}))
    measures = " ".join(sorted({each.measure for each in answer.measures}))
    rewards = " ".join(sorted({each.measure for each in answer.rewards}))
    disputed = " ".join(str(mark.record) for mark in answer.marks)
    unreadable = " ".join(map(str, answer.unreadable))
    ends = (answer.decision_id or "", answer.use_until or "", answer.as_of)
    return _cells((answer.row, answer.certainty, designations, measures, rewards, disputed, unreadable, *ends))


def _cells(values: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def _count(seen: Counter[str], answer: ScreeningOut) -> None:
    seen[answer.certainty] += 1
    seen["restricted"] += bool(answer.measures)
    seen["rewarded"] += bool(answer.rewards)
    seen["unreadable"] += bool(answer.unreadable)


def _tell(seen: Counter[str], subjects: int, out: Path, *, as_json: bool) -> None:
    counted = {word: seen[word] for word in (*_WORDS, "restricted", "rewarded", "unreadable")}
    if as_json:
        say.document({"subjects": subjects, **counted, "results": say.printable(str(out))})
        return
    table = say.columns("结果", "certainty", "主体 subjects", right=2)
    for word, word_zh in _WORDS.items():
        table.add_row(word_zh, word, f"{seen[word]:,}")
    table.add_row("有限制措施", "restrictions apply", f"{seen['restricted']:,}", style="red")
    table.add_row("有激励措施", "rewards apply", f"{seen['rewarded']:,}", style="green")
    if seen["unreadable"]:
        table.add_row("部分记录暂不可读", "some records unreadable", f"{seen['unreadable']:,}", style="yellow")
    say.table(table)
    say.answers.print(f"结果文件 answers: {say.printable(str(out))}")
