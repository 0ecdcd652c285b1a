"""What somebody new does with `make run`: pastes what it prints, reads its file, pastes pages from top to bottom."""

import csv
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from creditmesh.sandbox.sample_files import samples
from creditmesh.sandbox.story.steps import FAILED, HELD
from tests.journeys.test_story import left_behind
from tests.support.pages import PAGES, ROOT, blocks, reader, run_by

BIN = Path(sys.executable).parent
FOLLOWED = [page for page in PAGES if page.parent.name != "zh" and any(block.runs for block in blocks(page))]
"""A page in Chinese has the blocks of its English one (`test_guides_in_chinese`)."""
SAYS = {
    "own-node.md": (
        "ready: sandbox town (city)",
        "for callers / 公共接口   http://127.0.0.1:18180   http://127.0.0.1:18180/docs",
        "next: the catalogue is empty: creditmesh-node catalogue load",
        "enrolled town (below)",
        "also those that stand already",
        "示市监罚〔2026〕7001号",
        "nothing is missing, nothing stands still",
        "removed town",
    ),
    "cases.md": ("(repaired)", "province\t已收讫", "nation\t已收讫"),
    "peers.md": ("enrolled city (below)", "enrolled province (above)"),
    "catalogue.md": ("measure procurement_bar",),
}
"""What a page's commands print, beside the answers that it shows."""
AGAIN = ("submitting.md",)
"""Pasted once more from its top, as by somebody who slipped in the middle of it."""
pytestmark = pytest.mark.timeout(1800)  # the story before it may take minutes where the machine is busy


def makes(line: str) -> list[str]:
    """The command that a `make` line ends with, word by word."""
    typed = ["make", "-n", "--no-print-directory", *line.split()[1:]]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - a page's own line
    return done.stdout.splitlines()[-1].split()


@dataclass(frozen=True)
class Running:
    """`make run` in a folder that is like a checkout, and what it has printed."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text(encoding="utf-8")

    @property
    def file(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "var" / "sandbox.json").read_bytes())
        return found

    def typed(self, script: str, seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        """A shell in that folder; it ends at the first command that fails."""
        return subprocess.run(  # noqa: S603 - the lines of our own guide
            ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("CREDITMESH_")},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-newcomer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / ".venv").symlink_to(BIN.parent)
        (folder / "services").symlink_to(ROOT / "services")
        (folder / "samples").mkdir()
        for path in (ROOT / "samples").iterdir():
            (folder / "samples" / path.name).symlink_to(path)
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [str(folder / word) if "/" in word else word for word in makes("make run")],
                cwd=folder,
                stdout=said,
                stderr=said,
                env={**os.environ, "COLUMNS": "200"},
            )
        made = Running(folder, process)
        try:
            end = time.monotonic() + 1200
            while "creditmesh-sandbox env" not in made.said:
                assert process.poll() is None, made.said[-3000:]
                assert time.monotonic() < end, made.said[-3000:]
                time.sleep(0.2)
            time.sleep(1)  # the lines come at once; the last of them too
            yield made
        finally:
            process.terminate()
            process.wait(60)


def test_the_line_that_starts_it_all_starts_what_stands_here(running: Running):
    lines = run_by(__file__)
    assert {block.page.name for block in lines} == {"README.md", "README.zh-CN.md", "own-node.md"}
    started = [str(running.folder / ".venv/bin/creditmesh-sandbox"), "--bus", "embedded"]
    assert running.process.args == started
    for block in lines:
        command, *words = makes(block.text)
        assert [str(running.folder / command), *words] == started, str(block)


def test_make_hands_on_what_a_readme_says_of_it():
    once, split = makes("make run ONCE=1"), makes("make run BUS=kafka SPLIT=1")
    assert once == [*makes("make run"), "--once"]
    assert split[1:] == ["--bus", "kafka", "--split"]


def suggested(running: Running) -> list[str]:
    after = running.said.split("try these in another terminal")[1]
    return [line.strip() for line in after.splitlines()[1:] if line.strip()]


def test_the_whole_story_has_walked_with_a_process_a_node(running: Running):
    assert running.said.count(HELD) >= 29
    assert FAILED not in running.said


def test_what_it_prints_to_try_works_when_it_is_pasted(running: Running):
    lines = suggested(running)
    assert len(lines) >= 3
    submitted = running.typed(lines[0])
    assert submitted.returncode == 1, submitted.stderr  # rows of the sample are refused, each with its reason
    assert "penalties.csv" in submitted.stdout + submitted.stderr
    rest = running.typed("\n".join(lines[1:]))
    assert rest.returncode == 0, rest.stdout + rest.stderr
    assert (running.folder / "var" / "sandbox" / "city-up.ndjson").stat().st_size > 0
    assert '"party"' in rest.stdout or "accepted" in rest.stdout


def test_its_file_is_its_owners_alone_and_names_the_nodes_and_who_may_call_them(running: Running):
    assert stat.S_IMODE((running.folder / "var" / "sandbox.json").stat().st_mode) == 0o600
    nodes, callers = running.file["nodes"], running.file["callers"]
    assert {code: node["tier"] for code, node in nodes.items()} == {
        each: each for each in ("city", "province", "nation")
    }
    assert len({node["url"] for node in nodes.values()}) == 3
    assert {"department", "bureau", "subject", "office"} <= {caller["role"] for caller in callers}
    assert {caller["node"] for caller in callers} == set(nodes)
    assert len({caller["name"] for caller in callers}) == len(callers)


def test_its_file_says_who_may_send_what_and_whom_its_people_are(running: Running):
    callers = {caller["name"]: caller for caller in running.file["callers"]}
    assert set(callers["market_regulation"]["sends"]) == {"administrative_penalty", "administrative_licence"}
    assert "records:submit" in callers["market_regulation"]["scopes"]
    assert callers["alpha_credit"]["sends"] == []
    assert callers["person"]["subject"]["kind"] == "natural_person"
    assert re.fullmatch(r"990000\d{11}[\dX]", callers["person"]["subject"]["document"]["number"])
    assert callers["enterprise"]["subject"]["document"]["type"] == "uscc"
    assert {(caller["node"], caller["party"]) for caller in callers.values() if caller["role"] == "node"} == {
        ("city", "province"), ("province", "city"), ("province", "nation"), ("nation", "province"),
    }  # fmt: skip


def test_a_caller_that_is_not_there_is_named_with_those_that_are(running: Running):
    done = running.typed(".venv/bin/creditmesh-sandbox env nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'nobody'" in done.stderr
    assert "alpha_credit" in done.stderr


def caller(running: Running, name: str) -> httpx.Client:
    found = next(each for each in running.file["callers"] if each["name"] == name)
    url = running.file["nodes"][found["node"]]["url"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {found['token']}"}, timeout=60)


def test_every_sample_still_gets_what_it_was_made_for(running: Running):
    for name, expected in samples().files.items():
        with caller(running, expected.party) as client:
            body = (ROOT / "samples" / name).read_bytes()
            kind = "application/x-ndjson" if name.endswith("ndjson") else "text/csv"
            answer = client.post(
                f"/v1/items/{expected.item}/records?dry_run=true", content=body, headers={"Content-Type": kind}
            )
        assert answer.status_code == 200, (name, answer.text)
        verdicts = [json.loads(line) for line in answer.text.splitlines()]
        refused = {each["row"] for each in verdicts if each.get("verdict") == "refused" and not repaired(each)}
        assert refused == {int(row) for row, dirt in expected.dirt.items() if dirt["verdict"] == "refused"}, name


def repaired(verdict: dict[str, Any]) -> bool:
    """Of the one record that the story had repaired: that it ended stands."""
    return [reason["code"] for reason in verdict["reasons"]] == ["record_closed"]


def test_what_is_dated_today_is_taken(running: Running):
    with (ROOT / "samples" / "licences.csv").open(encoding="utf-8-sig", newline="") as file:
        dirt = samples().files["licences.csv"].dirt
        row = next(row for number, row in enumerate(csv.DictReader(file), start=1) if str(number) not in dirt)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    row |= {"许可决定日期": today, "有效期自": today, "有效期至": "2099-12-31"}
    row["行政许可决定文书号"] = "示市监许〔2026〕7002号"
    with caller(running, "market_regulation") as client:
        answer = client.post("/v1/items/administrative_licence/records", json=row)
    assert json.loads(answer.text.splitlines()[0])["verdict"] == "accepted", answer.text


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_works_as_it_is_pasted_from_top_to_bottom(running: Running, page: Path):
    with reader(running.folder) as pasting:
        for _ in range(2 if page.name in AGAIN else 1):
            pasting.follow(page)
    printed = "\n".join(pasting.printed)
    assert [words for words in SAYS.get(page.name, ()) if words not in printed] == [], printed[-4000:]


def test_its_tokens_go_with_its_nodes_and_nothing_is_left_running(running: Running):
    assert (running.folder / "var" / "sandbox.json").exists()
    assert len(left_behind(running.folder / "var")) > len(running.file["nodes"]), "its processes say whose they are"
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(60)
    assert not (running.folder / "var" / "sandbox.json").exists()
    assert left_behind(running.folder / "var") == []
