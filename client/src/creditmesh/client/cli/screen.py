"""`creditmesh screen FILE`: asks what applies to the subjects in a file, for one matter."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import typer
from rich.table import Table

from creditmesh.client.cli import options, say
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.cli.progress import counting
from creditmesh.client.cli.resume import beside
from creditmesh.client.cli.target import Target, target_of, warn_of_key
from creditmesh.client.cli.writing import written
from creditmesh.client.node import Node
from creditmesh.client.subjects import subjects_of
from creditmesh.schemas.screenings import ScreeningOut

_COLUMNS = ("row", "certainty", "designations", "measures", "rewards", "disputed", "decision_id", "use_until", "as_of")
_WORDS = {"exact": "已识别", "partial": "凭证未覆盖全部条目", "number_needed": "需提供号码", "invalid": "号码无效"}
_STEP = 100


def screen(
    context: typer.Context,
    file: options.Subjects,
    *,
    matter: options.Matter,
    officer: options.Officer = None,
    node: options.NodeUrl = None,
    key: options.Key = None,
    key_file: options.KeyFile = None,
    sandbox: options.Sandbox = None,
    sandbox_file: options.SandboxFile = Path("var/sandbox.json"),
    charset: options.Charset = None,
    results: options.Results = None,
    as_json: options.AsJson = False,
) -> None:
    """按事项核查文件中的主体。Ask for one matter what applies to each subject in a file.

    每个主体都可在其访问记录中看到此次核查。Each subject finds the screening in their own log.

    退出码 exit codes: 0 全部识别 every subject was identified; 1 有主体未识别，或凭证未覆盖该事项的全部条目 some were
    not, or the credential does not reach every item of the matter; 2 用法或连接错误 usage or
    connection; 130 中断 interrupted.
    """
    warn_of_key(context)

    def work() -> Exit:
        target = target_of(node=node, key=key, key_file=key_file, sandbox=sandbox, sandbox_file=sandbox_file)
        out = results or beside(file, ".screened.ndjson")
        return _screen(target, file, out, matter=matter, officer=officer, charset=charset, as_json=as_json)

    raise typer.Exit(concluded(work, as_json=as_json))


def _screen(
    target: Target, file: Path, out: Path, *, matter: str, officer: str | None, charset: str | None, as_json: bool
) -> Exit:
    table = out.suffix.lower() == ".csv"
    seen: Counter[str] = Counter()
    with Node(target.url, key=target.key) as node:
        subjects = subjects_of(file, code_sets=node.catalogue.code_set, charset=charset)
        with written(out) as answers, counting("主体 subjects", total=len(subjects)) as count:
            if table:
                answers.write(b"\xef\xbb\xbf" + _cells(_COLUMNS))
            for answer in node.screenings.screen_many(subjects, matter=matter, officer=officer):
                answers.write(_row(answer) if table else answer.model_dump_json().encode() + b"\n")
                _count(seen, answer)
                if answer.row % _STEP == 0:
                    count.reached(answer.row)
    _tell(seen, len(subjects), out, as_json=as_json)
    return Exit.DONE if seen["exact"] == len(subjects) else Exit.REFUSED


def _row(answer: ScreeningOut) -> bytes:
    """An answer as a row of a table: codes, and never who it is about, which `row` says."""
    designations = " ".join(sorted({each.list for each in answer.designations}))
    measures = " ".join(sorted({each.measure for each in answer.measures}))
    rewards = " ".join(sorted({each.measure for each in answer.rewards}))
    disputed = " ".join(str(mark.record) for mark in answer.marks)
    ends = (answer.decision_id or "", answer.use_until or "", answer.as_of)
    return _cells((answer.row, answer.certainty, designations, measures, rewards, disputed, *ends))


def _cells(values: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def _count(seen: Counter[str], answer: ScreeningOut) -> None:
    seen[answer.certainty] += 1
    seen["restricted"] += bool(answer.measures)
    seen["rewarded"] += bool(answer.rewards)


def _tell(seen: Counter[str], subjects: int, out: Path, *, as_json: bool) -> None:
    counted = {word: seen[word] for word in (*_WORDS, "restricted", "rewarded")}
    if as_json:
        say.answers.print(json.dumps({"subjects": subjects, **counted, "results": str(out)}, ensure_ascii=False))
        return
    table = Table("结果", "certainty", "主体 subjects", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for word, word_zh in _WORDS.items():
        table.add_row(word_zh, word, f"{seen[word]:,}")
    table.add_row("有限制措施", "restrictions apply", f"{seen['restricted']:,}", style="red")
    table.add_row("有激励措施", "rewards apply", f"{seen['rewarded']:,}", style="green")
    say.answers.print(table)
    say.answers.print(f"结果文件 answers: {out}")
