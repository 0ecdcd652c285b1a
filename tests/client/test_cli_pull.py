"""`creditmesh pull` and `creditmesh verify`: what fits is kept, what does not fit stops and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.responses import JSONResponse
from typer.testing import CliRunner

from creditmesh.client.cli import app
from tests.client.feed import CODE, FEED, SPARE, FeedLog, end
from tests.client.remote import KEY

COMMAND = str(Path(sys.executable).with_name("creditmesh"))


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def log(remote) -> FeedLog:
    remote.log = FeedLog().grow(10)
    return remote.log


def environment(remote):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDITMESH_")}
    pins = {"CREDITMESH_PINS": os.environ["CREDITMESH_PINS"]}
    return clean | pins | {"CREDITMESH_URL": remote.url, "CREDITMESH_KEY": KEY, "COLUMNS": "200"}


def run(remote, *arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)), env=environment(remote), catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def pull(remote, file, *options):
    return run(remote, "pull", FEED, "--into", file, *options)


def verify(remote, target, *options):
    asked = len(remote.asked)
    done = run(remote, "verify", target, *options)
    assert len(remote.asked) == asked  # off line
    return done


def state_of(file):
    return file.with_name(f"{file.name}.state.json")


def kept(file):
    return [file.read_bytes() if file.exists() else b"", state_of(file).read_bytes()]


def wait_until(holds: Callable[[], bool]):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_feed_is_pulled_page_by_page_to_its_end_and_verifies_off_line(remote, log, tmp_path):
    file = tmp_path / "up.ndjson"
    done = pull(remote, file)
    assert done.returncode == 0, done.stderr
    assert log.head().root.hex() in done.stdout
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["index"], line["line"], line["body"]) for line in lines] == [
        (each.index, each.line, each.body) for each in log.entries
    ]
    assert [asked.path for asked in remote.asked if "/entries" in asked.path] == [
        f"/v1/exchange/feeds/up/entries?after={after}&limit=1000" for after in (0, 4, 8, 10)
    ]
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir())
    checked = verify(remote, file)
    assert checked.returncode == 0, checked.stderr
    assert "相符 fits" in checked.stdout
    assert log.head().root.hex() in checked.stdout


def test_it_goes_on_where_it_stood_and_leaves_what_one_pull_would_have_left(remote, log, tmp_path):
    whole, parts = tmp_path / "whole.ndjson", tmp_path / "parts.ndjson"
    log.entries = log.entries[:3]
    assert json.loads(pull(remote, parts, "--json").stdout)["new"] == 3
    log.entries += FeedLog().grow(10).entries[3:]
    with parts.open("ab") as out:
        out.write(b'{"index":3,"line":"half of a page that was under wa')
    assert verify(remote, parts).returncode == 1
    second = json.loads(pull(remote, parts, "--json").stdout)
    assert (second["size"], second["new"]) == (10, 7)
    assert json.loads(pull(remote, parts, "--json").stdout)["new"] == 0
    pull(remote, whole)
    assert parts.read_bytes() == whole.read_bytes()
    assert verify(remote, parts).returncode == 0


def public_of(log: FeedLog) -> str:
    return b64encode(log.key.public_key().public_bytes_raw()).decode()


def test_a_feed_is_checked_with_the_key_that_is_given_and_not_with_the_one_beside_it(remote, log, tmp_path):
    honest, forged = tmp_path / "up.ndjson", tmp_path / "forged.ndjson"
    pull(remote, honest)
    remote.log = FeedLog(seed=2).grow(10, word="forged")
    pull(remote, forged)
    given = ("--public", public_of(log))
    good = verify(remote, honest, *given, "--json")
    assert (good.returncode, good.stderr, json.loads(good.stdout)["publics"]) == (0, "", [public_of(log)])
    bad = verify(remote, forged, *given, "--json")
    assert (bad.returncode, json.loads(bad.stdout)["error"]["code"]) == (1, "key")
    state = json.loads(state_of(forged).read_text())
    state_of(forged).write_text(json.dumps(state | {"publics": [public_of(log), public_of(remote.log)]}))
    bad = verify(remote, forged, *given, "--json")
    assert (bad.returncode, json.loads(bad.stdout)["error"]["code"]) == (1, "signature")
    assert verify(remote, tmp_path, *given).returncode == 1


def test_without_a_key_it_says_which_one_it_believed(remote, log, tmp_path):
    file = tmp_path / "up.ndjson"
    pull(remote, file)
    done = verify(remote, file)
    assert done.returncode == 0
    assert public_of(log) in done.stderr


@pytest.mark.parametrize("torn", [b"x" * 100_000, b'{"index":3,"line":"torn"}\n' * 5000], ids=["bytes", "lines"])
def test_a_torn_tail_that_is_longer_than_what_comes_next_is_cut_off(remote, log, tmp_path, torn):
    whole, parts = tmp_path / "whole.ndjson", tmp_path / "parts.ndjson"
    log.entries = log.entries[:3]
    pull(remote, parts)
    log.entries += FeedLog().grow(10).entries[3:]
    with parts.open("ab") as out:
        out.write(torn)
    assert pull(remote, parts).returncode == 0
    pull(remote, whole)
    assert parts.read_bytes() == whole.read_bytes()
    assert verify(remote, parts).returncode == 0


def test_into_a_folder_each_feed_gets_a_file_and_they_verify_together(remote, log, tmp_path):
    folder = tmp_path / "copies"
    assert pull(remote, folder).returncode == 0
    remote.log = FeedLog(feed="down").grow(2)
    assert run(remote, "pull", "down", "--into", folder).returncode == 0
    assert sorted(path.name for path in folder.glob("*.ndjson")) == ["down.ndjson", "up.ndjson"]
    done = verify(remote, folder, "--json")
    assert done.returncode == 0
    assert [json.loads(line)["origin"] for line in done.stdout.splitlines()] == [
        "creditmesh/city/down",
        "creditmesh/city/up",
    ]
    (folder / "up.ndjson").write_bytes(b"")
    assert verify(remote, folder).returncode == 1


def test_a_feed_without_entries_pins_the_keys_and_verifies(remote, tmp_path):
    remote.log = FeedLog()
    file = tmp_path / "up.ndjson"
    assert pull(remote, file).returncode == 0
    assert json.loads(state_of(file).read_text())["origin"] == f"creditmesh/{CODE}/{FEED}"
    assert verify(remote, file).returncode == 0


def of_second_page(falsify):
    """Only the page after the first four entries is false: something was kept before, and must stay as it was."""
    return lambda log, lines: falsify(log, lines) if b'"index": 4' in b"".join(lines) else lines


def line_altered(log, lines):
    return [lines[0], lines[1].replace(b'\\"rev\\":1', b'\\"rev\\":2'), *lines[2:]]


def body_altered(log, lines):
    return [lines[0], lines[1], lines[2].replace(b"entry", b"Entry"), *lines[3:]]


def salt_left_out(log, lines):
    return [json.dumps(json.loads(lines[0]) | {"salt": None}).encode(), *lines[1:]]


def checkpoint_missing(log, lines):
    return lines[:-1]


def nothing(log, lines):
    return []


def entry_left_out(log, lines):
    return [lines[0], *lines[2:]]


def last_entry_left_out(log, lines):
    return [*lines[:-2], lines[-1]]


def reordered(log, lines):
    return [lines[1], lines[0], *lines[2:]]


def checkpoint_in_the_middle(log, lines):
    return [lines[0], lines[-1], *lines[1:]]


def forked(log, lines):
    """A page of another history of the same node, whole and well signed."""
    return FeedLog().grow(2).grow(6, word="other history").page(4, 4).splitlines()


def signed_head_of_a_fork(log, lines):
    other = FeedLog().grow(4).grow(4, word="other history")
    return [*lines[:-1], end(other.note(other.head()))]


def replayed(log, lines):
    honest = FeedLog().grow(10)
    return honest.page(0, 4).splitlines()


def old_head(log, lines):
    return [end(log.note(log.head(2)))]


def head_beyond_the_page(log, lines):
    return [*lines[:-1], end(log.note(log.head()))]


def wrong_key(log, lines):
    return [*lines[:-1], end(log.note(log.head(8), key=SPARE))]


def other_feed(log, lines):
    return [
        *lines[:-1],
        end(log.note(log.head(8)._replace(origin="creditmesh/city/down"), name="creditmesh/city/down")),
    ]


def origin_of_another_feed(log, lines):
    return [*lines[:-1], end(log.note(log.head(8)._replace(origin="creditmesh/city/down")))]


def signature_altered(log, lines):
    note = json.loads(lines[-1])["checkpoint"]
    return [*lines[:-1], end(note.replace("\n8\n", "\n9\n"))]


def not_a_page(log, lines):
    return [b"<html>"]


@pytest.mark.parametrize(
    "false",
    [
        (line_altered, "root", 4),
        (body_altered, "commitment", 6),
        (salt_left_out, "commitment", 4),
        (checkpoint_missing, "no_checkpoint", None),
        (nothing, "withheld", 4),
        (checkpoint_in_the_middle, "no_checkpoint", None),
        (entry_left_out, "order", 5),
        (last_entry_left_out, "size", 7),
        (reordered, "order", 4),
        (forked, "root", 4),
        (signed_head_of_a_fork, "root", 4),
        (replayed, "order", 4),
        (old_head, "size", 2),
        (head_beyond_the_page, "size", 8),
        (wrong_key, "signature", 4),
        (other_feed, "signature", 4),
        (origin_of_another_feed, "origin", 4),
        (signature_altered, "signature", 4),
        (not_a_page, "malformed", None),
    ],
)
def test_a_page_that_does_not_fit_stops_in_both_languages_and_nothing_of_it_is_written(remote, log, tmp_path, false):
    falsify, code, index = false
    file = tmp_path / "up.ndjson"
    log.falsify = lambda lines: of_second_page(falsify)(log, lines)
    done = pull(remote, file)
    assert done.returncode == 2
    assert any("\u4e00" <= letter <= "\u9fff" for letter in done.stderr)
    assert index is None or f"条目 entry {index} [{code}]" in done.stderr
    assert json.loads(state_of(file).read_text())["size"] == 4
    before = kept(file)
    again = json.loads(pull(remote, file, "--json").stdout)["error"]
    assert (again["code"], again["index"]) == (code, index)
    assert again["detail"]
    assert again["detail_zh"]
    assert kept(file) == before
    assert verify(remote, file).returncode == 0
    log.falsify = lambda lines: lines
    assert pull(remote, file).returncode == 0
    assert verify(remote, file).returncode == 0
    assert len(file.read_text().splitlines()) == 10


def test_the_key_is_pinned_at_the_first_pull_whatever_the_catalogue_says_later(remote, log, tmp_path):
    file = tmp_path / "up.ndjson"
    assert pull(remote, file).returncode == 0
    before = kept(file)
    remote.log = FeedLog(seed=2).grow(12)  # the same history, and a catalogue that has the new key
    done = pull(remote, file)
    assert done.returncode == 2
    assert "[signature]" in done.stderr
    assert kept(file) == before


@pytest.mark.parametrize(("seed", "code"), [(1, "root"), (2, "signature")], ids=["the same key", "another node"])
def test_a_node_with_as_many_entries_of_another_history_is_not_taken_for_up_to_date(remote, log, tmp_path, seed, code):
    file = tmp_path / "up.ndjson"
    assert pull(remote, file).returncode == 0
    before = kept(file)
    remote.log = FeedLog(seed=seed).grow(10, word="other history")
    done = pull(remote, file)
    assert (done.returncode, f"[{code}]" in done.stderr) == (2, True), done
    assert "+0" not in done.stdout
    assert kept(file) == before


def test_a_node_that_lost_its_end_is_noticed(remote, log, tmp_path):
    file = tmp_path / "up.ndjson"
    pull(remote, file)
    log.entries = log.entries[:6]
    done = pull(remote, file)
    assert done.returncode == 2
    assert "条目 entry 6 [size]" in done.stderr


def test_without_one_row_of_its_own_a_nodes_feed_is_not_begun(remote, log, tmp_path):
    for items in ([], [row | {"place": "below"} for row in log.parties()["items"]]):
        remote.answers["/v1/catalogue/parties"] = JSONResponse({"items": items, "next": None})
        done = pull(remote, tmp_path / "up.ndjson")
        assert done.returncode == 2
        assert "目录" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_following_takes_what_comes_and_an_interrupt_leaves_it_whole(remote, log, tmp_path):
    file = tmp_path / "up.ndjson"
    arguments = [COMMAND, "pull", FEED, "--into", str(file), "--follow"]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=environment(remote))  # noqa: S603

    def has(size: int) -> bool:
        assert process.poll() is None
        return state_of(file).exists() and json.loads(state_of(file).read_text())["size"] == size

    try:
        wait_until(lambda: has(10))
        remote.busy = [{}, {}]
        log.grow(3)
        wait_until(lambda: has(13))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "继续" in errors or "续传" in errors
    assert "Traceback" not in errors
    assert verify(remote, file).returncode == 0


def swapped(file):
    first, second, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([second, first, *rest]))


def rewritten(file, change):
    state = json.loads(state_of(file).read_text())
    state_of(file).write_text(json.dumps(change(state)))


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (lambda file: file.write_bytes(file.read_bytes().replace(b'\\"rev\\":1', b'\\"rev\\":2', 1)), "root"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b"entry", b"Entry", 1)), "commitment"),
        (swapped, "order"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "cut_off"),
        (lambda file: file.write_bytes(file.read_bytes() + b"{}\n"), "tail"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b'{"index":5', b'["index":5')), "malformed"),
        (lambda file: rewritten(file, lambda state: state | {"checkpoint": None}), "size"),
        (lambda file: rewritten(file, lambda state: state | {"publics": ["AAAA"]}), "signature"),
        (lambda file: rewritten(file, lambda state: state | {"origin": "creditmesh/city/down"}), "signature"),
        (lambda file: rewritten(file, lambda state: state | {"range": "00" * 64}), "root"),
    ],
)
def test_a_copy_that_was_altered_does_not_verify(remote, log, tmp_path, tamper, code):
    file = tmp_path / "up.ndjson"
    pull(remote, file)
    tamper(file)
    done = verify(remote, file, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)["error"]
    assert told["code"] == code
    assert told["detail_zh"]
    shown = verify(remote, file)
    assert shown.returncode == 1
    assert "DOES NOT FIT" in shown.stdout


def test_whoever_holds_the_nodes_key_cannot_drop_the_end_of_a_copy_unseen(remote, log, tmp_path):
    file = tmp_path / "up.ndjson"
    pull(remote, file)
    lines = file.read_bytes().splitlines(keepends=True)[:-1]
    file.write_bytes(b"".join(lines))
    rewritten(file, lambda state: state | {"length": len(file.read_bytes())})
    assert "[size]" in verify(remote, file).stderr


@pytest.mark.parametrize(
    "wrong",
    [
        (["pull", "sideways", "--into", "a.ndjson"], "down-<node>"),
        (["pull", "../up", "--into", "a.ndjson"], "down-<node>"),
        (["pull", "up"], "--into"),
        (["pull", "up", "--into", "mine.ndjson"], "file of its own"),
        (["pull", "up", "--into", "broken.ndjson"], "file of its own"),
        (["pull", "up", "--into", "down.ndjson"], "another feed"),
        (["pull", "up", "--into", "mine.ndjson/a.ndjson"], "cannot be written"),
        (["verify", "nothing"], "nothing that was pulled"),
        (["verify", "."], "file of its own"),
    ],
)
def test_what_is_wrong_on_this_side_is_exit_code_2_and_leaves_everything_as_it_was(
    remote, log, tmp_path, monkeypatch, wrong
):
    arguments, word = wrong
    monkeypatch.chdir(tmp_path)
    remote.log = FeedLog(feed="down").grow(1)
    assert run(remote, "pull", "down", "--into", "down.ndjson").returncode == 0
    remote.log = log
    Path("mine.ndjson").write_text("somebody's\n")
    Path("broken.ndjson.state.json").write_text("{}")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run(remote, *arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_key_that_may_not_pull_is_told_the_nodes_problem(remote, log, tmp_path):
    remote.refuse_all = True
    done = pull(remote, tmp_path / "up.ndjson")
    assert done.returncode == 2
    assert "无权" in done.stderr
