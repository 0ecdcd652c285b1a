"""Addresses and keys under names: kept for their owner alone, used whole or not at all, never shown."""

import json

import pytest
from typer.testing import CliRunner

from creditmesh.client.cli import app
from tests.client.remote import ITEM, KEY
from tests.client.test_cli_submit import table

OTHER = "cm_city_canary000002_thiskeymustneverbeseen2"
NOWHERE = {"CREDITMESH_URL": "", "CREDITMESH_KEY": ""}


def run(*line, stdin=None, ends=0, **env):
    done = CliRunner().invoke(app, [*map(str, line)], input=stdin, env=NOWHERE | env, catch_exceptions=False)
    assert done.exit_code == ends, (line, done.stdout, done.stderr)
    for key in (KEY, OTHER):
        assert key not in done.stdout + done.stderr
    return done


@pytest.fixture
def home(remote, profiles):
    run("profile", "add", "home", "--node", remote.url, stdin=f"{KEY}\n")
    return profiles


def test_a_key_from_standard_input_or_a_file_is_kept_for_its_owner_alone_and_never_listed(home, remote, tmp_path):
    assert home.stat().st_mode & 0o777 == 0o600
    assert KEY in home.read_text()
    (tmp_path / "key").write_text(f"{OTHER}\n")
    run("profile", "add", "away", "--node", remote.url, "--party", "housing", "--key-file", tmp_path / "key")
    listed = [json.loads(line) for line in run("profile", "list", "--json").stdout.splitlines()]
    assert [(each["name"], each["party"], each["used"]) for each in listed] == [
        ("away", "housing", False),
        ("home", None, True),
    ]


def test_the_one_in_use_is_meant_where_nothing_is_said_and_another_by_its_name(home, remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    run("submit", file, "--item", ITEM, "--no-save")
    run("profile", "add", "away", "--node", "http://127.0.0.1:1", stdin=OTHER)
    run("profile", "use", "away")
    run("submit", file, "--item", ITEM, "--no-save", "--profile", "home")
    run("submit", file, "--item", ITEM, "--no-save", CREDITMESH_PROFILE="home")
    run("profile", "remove", "away")
    nobody = run("submit", file, "--item", ITEM, ends=2)
    assert "--profile" in nobody.stderr
    assert len(remote.submissions) == 3


def test_a_profiles_key_is_sent_to_no_other_address(home, remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    both = run("submit", file, "--item", ITEM, "--profile", "home", "--node", remote.url, ends=2)
    assert "say one of them" in both.stderr
    run("submit", file, "--item", ITEM, ends=2, CREDITMESH_PROFILE="home", CREDITMESH_URL=remote.url)
    run("submit", file, "--item", ITEM, "--node", remote.url, ends=2)  # an address alone takes no profile's key
    assert remote.asked == []
    chosen = {"CREDITMESH_URL": "http://127.0.0.1:1", "CREDITMESH_KEY": OTHER}
    run("submit", file, "--item", ITEM, "--no-save", "--profile", "home", **chosen)
    assert len(remote.submissions) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", ""])
def test_a_key_of_the_environment_is_sent_to_no_address_of_the_command_line(remote, tmp_path, url):
    file, env = table(tmp_path, ["accepted"]), {"CREDITMESH_URL": url}
    nobody = run("submit", file, "--item", ITEM, "--node", remote.url, ends=2, CREDITMESH_KEY=KEY, **env)
    assert "--key-file" in nobody.stderr
    assert remote.asked == []
    (tmp_path / "key").write_text(KEY)
    line = ("--node", remote.url, "--key-file", tmp_path / "key")
    run("submit", file, "--item", ITEM, "--no-save", *line, CREDITMESH_KEY=OTHER, **env)
    run("submit", file, "--item", ITEM, "--no-save", CREDITMESH_URL=remote.url, CREDITMESH_KEY=KEY)
    assert len(remote.submissions) == 2


@pytest.mark.parametrize("words", [(), ("--profile", "home")])
def test_what_is_open_to_all_is_asked_without_any_key(home, remote, words):
    env = {} if words else {"CREDITMESH_URL": remote.url, "CREDITMESH_KEY": KEY}
    run("templates", "fields", ITEM, *words, **env)
    run("templates", "fields", ITEM, *words, *(() if words else ("--key", KEY)), **env)
    assert remote.asked
    assert [each.headers.get("authorization") for each in remote.asked] == [None] * len(remote.asked)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_not_read(home, mode):
    home.chmod(mode)
    assert "chmod 600" in run("profile", "list", ends=2).stderr


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b'{"v": 1, "profiles": {"a": {}}}'])
def test_a_file_that_is_none_of_ours_is_named_and_left(home, content):
    home.write_bytes(content)
    assert home.name in run("profile", "list", ends=2).stderr
    run("profile", "remove", "home", ends=2)
    assert home.read_bytes() == content


def test_a_key_may_come_from_standard_input_for_one_command(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    run("submit", file, "--item", ITEM, "--no-save", "--node", remote.url, "--key-file", "-", stdin=f"{KEY}\n")
    assert len(remote.stored) == 1
