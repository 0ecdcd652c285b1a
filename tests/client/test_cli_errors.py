"""Every command with every bad beginning: a line in each language, an exit code, and never a traceback."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import typer
from typer.testing import CliRunner

from creditmesh.client.cli import app
from tests.client.remote import ITEM, KEY, Remote, problem
from tests.client.test_cli_submit import environment

ID = UUID("0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11")
ASKING = {
    "submit": f"FILE --item {ITEM}",
    "submissions list": "",
    "submissions show": "ID",
    "submissions verdicts": "ID",
    "submissions receipt": "ID",
    "records find": "--number 1",
    "records show": "ID",
    "records correct": "ID --fields JSON --reason error",
    "records withdraw": "ID --reason revoked",
    "reviews list": "",
    "reviews show": "ID",
    "reviews release": "ID",
    "reviews refuse": "ID",
    "quality": "--since 2026-05-01",
    "screen": "SUBJECTS --matter procurement_review --officer W-17",
    "query": "--subject NUMBER --purpose statutory_duty --matter procurement_review --officer W-17",
    "tasks list": "",
    "tasks show": "ID",
    "tasks answer": "ID --outcome applied --officer W-17",
    "cases open": "--kind repair --record ID --statement TEXT",
    "cases list": "",
    "cases show": "ID",
    "cases act": "ID refuse --reason-file TEXT",
    "cases attach": "ID PDF --kind proof",
    "cases document": "ID 00 --out OUT",
    "cases certificate": "ID",
    "authorisations give": f"--bureau alpha_credit --purpose credit_assessment --item {ITEM} --until 2099-01-01",
    "authorisations list": "",
    "authorisations revoke": "ID",
    "authorisations hand-in": "TEXT",
    "authorisations show": "ID",
    "me file": "",
    "me accesses": "",
    "me export": "",
    "templates list": "",
    "templates csv": ITEM,
    "templates xlsx": ITEM,
    "templates fields": ITEM,
    "pull": "up --into OUT",
}
"""A good call of each command that asks a node; words in capitals are files and ids of the test."""
HERE = {
    "verify": "NUMBER",
    "profile add": "home --node http://127.0.0.1:1 --key-file TEXT",
    "profile list": "",
    "profile use": "home",
    "profile remove": "home",
}
"""Those that ask none."""
FILES = {
    "FILE": b"CF_XDR_MC,CF_WSH\n" + "样某甲,罚字1号\n".encode(),
    "JSON": b'{"BZ": "x"}',
    "SUBJECTS": b"number\n990000198504120010\n",
    "NUMBER": b"990000198504120010",
    "TEXT": "已改正".encode(),
    "PDF": b"%PDF-1.7\n%%EOF",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes at once between one attempt and the next."""
    monkeypatch.setattr("creditmesh.client.retries.time.sleep", lambda _: None)


@pytest.fixture
def words(tmp_path) -> dict[str, str]:
    places = {}
    for name, content in FILES.items():
        file = tmp_path / name.lower()
        file.write_bytes(content)
        places[name] = str(file)
    return places | {"ID": str(ID), "OUT": str(tmp_path / "out")}


def told(remote: Remote, name: str, call: str, words: dict[str, str], *more: str, **env: str) -> str:
    """What the command says on both streams when it ends with exit code 2, both languages in it."""
    line = [*name.split(), *(words.get(word, word) for word in call.split()), *more]
    done = CliRunner().invoke(app, line, env=environment(remote, **env))
    said = done.stdout + done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit), (line, done.exception)
    assert "Traceback" not in said
    assert done.exit_code == 2, (line, said)
    assert re.search(r"[\u4e00-\u9fff]", said), line
    assert re.search(r"[a-z]{3}", said), line
    assert KEY not in said
    return said


def named(group: Any, before: tuple[str, ...] = ()) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from named(command, (*before, name))
        else:
            yield " ".join((*before, name))


def test_every_command_is_tried_here():
    assert set(named(typer.main.get_command(app))) == {*ASKING, *HERE}


@pytest.mark.parametrize("name", ASKING)
def test_a_node_that_is_not_there(remote, words, name):
    assert "127.0.0.1:1" in told(remote, name, ASKING[name], words, CREDITMESH_URL="http://127.0.0.1:1")


@pytest.mark.parametrize("name", ASKING)
def test_a_node_that_refuses_the_key(remote, words, name):
    remote.refuse_all = True
    assert "forbidden" in told(remote, name, ASKING[name], words)
    assert "forbidden" in told(remote, name, ASKING[name], words, "--json")


@pytest.mark.parametrize("name", ASKING)
def test_a_node_that_is_catching_up(remote, words, name):
    remote.answers = {}
    remote.catching_up = problem(503, "catching_up", "Not yet", "尚未就绪", headers={"Retry-After": "3600"})
    assert "catching_up" in told(remote, name, ASKING[name], words)


@pytest.mark.parametrize("name", ASKING)
def test_no_address_and_an_address_that_is_none(remote, words, name):
    told(remote, name, ASKING[name], words, CREDITMESH_URL="")
    told(remote, name, ASKING[name], words, CREDITMESH_URL="ftp://x")


@pytest.mark.parametrize("name", [name for name, call in ASKING.items() if set(FILES) & set(call.split())])
def test_a_file_that_is_not_there_and_a_folder_in_its_place(remote, words, name, tmp_path):
    for place in (str(tmp_path / "nowhere"), str(tmp_path)):
        there = {word: place if word in FILES else value for word, value in words.items()}
        told(remote, name, ASKING[name], there)
    assert remote.submissions == []


@pytest.mark.parametrize("name", [*ASKING, *HERE])
def test_what_cannot_be_an_argument(remote, words, name):
    call = {**ASKING, **HERE}[name]
    told(remote, name, call, words, "--no-such-option")
    assert "990000198504120010" not in told(remote, name, call, words, "990000198504120010", "990000198504120010")
    if "ID" in call.split() and not name.startswith("tasks"):
        assert "990000198504120010" not in told(remote, name, call, words | {"ID": "990000198504120010"})


def test_bytes_that_are_no_text_are_named_by_their_option_and_a_file_called_so_is_looked_for(remote, words, tmp_path):
    assert "--task" in told(remote, "tasks show", "\udcff", words)
    assert "--number" in told(remote, "records find", "--number \udcff", words)
    told(remote, "verify", str(tmp_path / "\udcff.json"), words)
    told(remote, "submit", f"{tmp_path}/\udcff.csv --item {ITEM}", words, "--json")
    assert remote.submissions == []


def test_commands_of_this_machine_say_what_is_wrong(remote, words, tmp_path):
    assert "acknowledgement" in told(remote, "verify", "NUMBER", words)
    assert "nowhere" in told(remote, "verify", "nowhere", words)
    assert told(remote, "verify", str(tmp_path), words)
    assert "home" not in told(remote, "profile use", "home", words).partition("creditmesh profile add")[0]
    told(remote, "profile remove", "home", words)
    told(remote, "profile add", "home --node nonsense --key-file TEXT", words)
    told(remote, "profile add", "home --node http://127.0.0.1:1 --key-file nowhere", words)
    told(remote, "profile add", "../up --node http://127.0.0.1:1 --key-file TEXT", words)


def test_help_of_every_command_is_in_both_languages_and_nothing_of_it_is_cut(remote):
    for name in (*ASKING, *HERE):
        done = CliRunner().invoke(app, [*name.split(), "--help"], env=environment(remote, COLUMNS="60"))
        assert done.exit_code == 0
        assert "…" not in done.stdout, name
        command = typer.main.get_command(app)
        for word in name.split():
            command = command.commands[word]  # type: ignore[attr-defined] # a group has them
        for text in (command.help, *(each.help for each in command.params)):
            assert text, name
            assert re.search(r"[\u4e00-\u9fff]", text), (name, text)
            assert "".join(text.split()) in "".join(done.stdout.split()), (name, text)


def test_a_call_loads_what_its_command_needs_and_nothing_of_the_others():
    others = (
        "creditmesh.schemas.events.base",
        "creditmesh.schemas.exchange",
        "creditmesh.client.cases",
        "cryptography",
    )
    code = f"""
import sys
from creditmesh.client.cli import app
sys.argv = ["creditmesh", "records", "show", "{ID}", "--node", "http://127.0.0.1:1", "--key", "x"]
try:
    app()
except SystemExit as end:
    print(end.code, [name for name in {others} if name in sys.modules], "creditmesh.client.records" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "2 [] True"


def test_each_command_says_its_version_and_how_it_ends(remote):
    version = CliRunner().invoke(app, ["--version"], env=environment(remote))
    assert re.fullmatch(r"creditmesh \d+\.\d+\.\d+\n", version.stdout)
    overview = CliRunner().invoke(app, ["--help"], env=environment(remote)).stdout
    for code in ("0", "1", "2", "130"):
        assert re.search(rf"^ *{code}\s+\S", overview, re.MULTILINE)
