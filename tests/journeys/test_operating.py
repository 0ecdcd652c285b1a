"""What an operator types against a running node, each service a process of its own, and stopping each of them."""

import json
import re
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner, Result

from creditmesh.catalogue.sandbox import invented_uscc
from creditmesh.chassis.http.signatures import signed_headers
from creditmesh.chassis.vault.keys import Keys
from creditmesh.node.cli import app
from creditmesh.node.operator import in_clear
from tests.journeys.test_shutdown import Load, everything_is_there_once, started_again, told_to_stop
from tests.support.cast import resident
from tests.support.pages import Block, run_by
from tests.support.postgres import url_of
from tests.support.processes import Victim, victim

PARTIES = Path("services/catalogue/src/creditmesh/catalogue/data/sandbox/city/parties")


@pytest.fixture(scope="module")
def city() -> Iterator[Victim]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-operating-") as folder:
        Path(folder).chmod(0o755)
        with victim(Path(folder), split=True) as node:
            yield node


def typed(city: Victim, *words: str, said: str | None = None, **more: str | None) -> Result:
    settings = city.node.settings
    environment = {
        "CREDITMESH_NODE": settings.node,
        "CREDITMESH_TIER": settings.tier,
        "CREDITMESH_PARTS": str(settings.parts),
        "CREDITMESH_SANDBOX": "true",
        "CREDITMESH_STATE": str(settings.state),
        "CREDITMESH_DATABASE": str(settings.database),
        "COLUMNS": "200",
        **{f"CREDITMESH_{name}": value for name, value in more.items()},
    }
    return CliRunner().invoke(app, words, env=environment, input=said)


def asks(city: Victim, token: str, path: str, **more: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    method = "POST" if "json" in more else "GET"
    return httpx.request(method, city.url + path, headers=headers, timeout=60, verify=in_clear(), **more)  # type: ignore[arg-type]


def test_a_key_is_issued_works_is_revoked_and_is_refused_within_a_second(city: Victim):
    issued = typed(city, "keys", "issue", "transport", "--scope", "records:read", "--label", "import", "--days", "3")
    assert issued.exit_code == 0, issued.output
    key = issued.stdout.strip()
    assert asks(city, key, "/v1/reviews").status_code == 200
    assert asks(city, key, "/v1/queries", json={}).status_code == 403, "it has the scopes it was given and no other"
    revoked = typed(city, "keys", "revoke", key.split("_")[2])
    began = time.monotonic()
    assert (revoked.exit_code, key.split("_")[2] in revoked.stdout) == (0, True)
    asked = began
    while (answer := asks(city, key, "/v1/reviews")).status_code != 401:
        assert asked - began < 1, "a revocation holds within a second, for whatever is asked then"
        asked = time.monotonic()
    assert answer.json()["code"] == "credential_revoked"


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "issue", "transport", "--kind", "nobody"),
        ("keys", "issue", "transport", "--scope", "everything"),
        ("keys", "issue", "Not A Code"),
        ("keys", "issue", "transport", "--days", "9999"),
        ("keys", "revoke", "nosuchkey000"),
        ("keys", "revoke", "../../x"),
        ("people", "add", "/no/such/file"),
        ("people", "officer", "transport", "990000198504120017"),
        ("catalogue", "load", "/no/such/folder"),
        ("peers", "add", "/no/such/file", "--place", "above"),
        ("peers", "add", "pyproject.toml", "--place", "above"),
        ("peers", "remove", "nobody"),
        ("clock", "tomorrow"),
        ("clock", "+99999d"),
    ],
)
def test_what_cannot_be_done_is_one_refusal_and_never_a_traceback(city: Victim, words: tuple[str, ...]):
    done = typed(city, *words)
    assert done.exit_code == 2, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    assert done.stderr.strip()


CODE, FEED, ENTRY = (
    "is not a node's code, such as province",
    "is not a feed: up, down",
    "is no FEED/INDEX, such as up/12",
)


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("peers", "remove", "no/body"), CODE),
        (("feeds", "resume", "../x", "up"), CODE),
        (("feeds", "resume", "province", "sideways"), FEED),
        (("feeds", "offer", "province", "up/../x"), FEED),
        (("reconcile", "--with", "Province?"), CODE),
        (("restore", "--dismiss", "up"), ENTRY),
        (("restore", "--dismiss", "up/twelve"), ENTRY),
        (("restore", "--dismiss", "x/12"), FEED),
        (("restore", "--end", "up/-1"), ENTRY),
    ],
)
def test_a_place_that_cannot_be_one_is_refused_with_the_form_of_one(city: Victim, words: tuple[str, ...], form: str):
    done = typed(city, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert form in done.stderr
    assert re.search(r"不是|例如", done.stderr)


def test_a_person_gets_a_token_from_a_file_or_from_standard_input_and_the_number_is_shown_nowhere(
    city: Victim, tmp_path: Path
):
    number = resident(41)
    person = {"kind": "natural_person", "document": {"type": "resident_id", "number": number}}
    file = tmp_path / "person.json"
    file.write_text(json.dumps(person))
    by_file = typed(city, "people", "add", str(file))
    by_input = typed(city, "people", "add", "-", said=json.dumps(person))
    for done in (by_file, by_input):
        assert done.exit_code == 0, done.output
        assert number not in done.output
        assert asks(city, done.stdout.strip(), "/v1/me/file").json()["records"] == []
    wrong = typed(city, "people", "add", "-", said=json.dumps({"kind": "natural_person", "number": number}))
    assert (wrong.exit_code, number in wrong.output) == (2, False)


def test_a_person_is_erased_after_it_was_said_what_would_go_and_the_entry_names_nobody(city: Victim):
    number = resident(42)
    person = {"kind": "natural_person", "document": {"type": "resident_id", "number": number}}
    assert typed(city, "people", "add", "-", said=json.dumps(person)).exit_code == 0
    words = ("people", "erase", "-", "--ground", "order", "--basis", "（2026）示01行终8号", "--officer", "Reviewer Lan")
    asked = typed(city, *words, said=json.dumps(person))
    assert (asked.exit_code, "0 records" in asked.stdout, "拟删除" in asked.stdout) == (0, True, True), asked.output
    listed = typed(city, "people", "erasures")
    assert (listed.exit_code, "Reviewer Lan" in listed.stdout) == (0, False)
    done = typed(city, *words, "--confirmed", said=json.dumps(person))
    assert (done.exit_code, "the person's key is destroyed some minutes after" in done.stdout) == (0, True), done.output
    listed = typed(city, "people", "erasures")
    assert "Reviewer Lan" in listed.stdout
    (entry,) = [line for line in done.stdout.splitlines() if line.endswith("示01行终8号  Reviewer Lan")]
    one = typed(city, "people", "erasures", entry.split()[0])
    assert (one.exit_code, "随之销毁" in one.stdout, entry in one.stdout) == (0, True, True), one.output
    assert one.stdout.splitlines()[-1].startswith(("complete / ", "not complete: "))
    for each in (asked, done, listed, one):
        assert number not in each.output
    unknown = typed(
        city, *words, said=json.dumps(person | {"document": {"type": "resident_id", "number": resident(43)}})
    )
    assert (unknown.exit_code, "Traceback" in unknown.output) == (2, False)
    consent = typed(city, *(each.replace("order", "consent_withdrawn") for each in words), said=json.dumps(person))
    assert consent.exit_code == 2


def test_an_officer_gets_a_token_that_decides(city: Victim):
    for words in (("transport", "Officer Wei"), ("credit_office", "Reviewer Lan", "--kind", "office")):
        done = typed(city, "people", "officer", *words)
        assert done.exit_code == 0, done.output
        nobodys = "/v1/reviews/0199f000-0000-7000-8000-000000000000/decision"
        assert asks(city, done.stdout.strip(), nobodys, json={"decision": "refuse"}).status_code == 404


@pytest.mark.parametrize("move", ["+365d", "-30d", "0d"])
def test_the_legal_date_is_moved_either_way_and_set_back(city: Victim, move: str):
    done = typed(city, "clock", move)
    assert done.exit_code == 0, done.output
    (day,) = set(re.findall(r"\d{4}-\d\d-\d\d", done.stdout))
    end = time.monotonic() + 60
    while httpx.get(f"{city.url}/health/ready", timeout=60, verify=in_clear()).headers["x-legal-date"] != day:
        assert time.monotonic() < end


def test_a_catalogue_is_loaded_and_what_stands_is_left_alone(city: Victim, tmp_path: Path):
    done = typed(city, "catalogue", "load")
    assert done.exit_code == 0, done.output
    assert "published 0, unchanged" in done.stdout
    body = yaml.safe_load((PARTIES / "housing.yaml").read_text(encoding="utf-8"))
    (tmp_path / "parties").mkdir()
    file = tmp_path / "parties" / "housing.yaml"
    file.write_text(yaml.safe_dump(body | {"name": "Housing Bureau"}, allow_unicode=True), encoding="utf-8")
    said = typed(city, "catalogue", "load", str(tmp_path)).stdout
    assert "published 1, unchanged 0 / 已发布 1 项，未变 0 项" in said
    assert "published / 已发布: party housing 2 (city)" in said
    file.write_text("code: other", encoding="utf-8")
    refused = typed(city, "catalogue", "load", str(tmp_path))
    assert refused.exit_code == 2
    assert "housing.yaml" in refused.stderr, "the operator is told which file"


@pytest.mark.parametrize("more", [("--whole",), ("--place", "shenzhen")])
def test_a_dry_run_of_a_catalogue_shows_what_would_be_published_and_publishes_nothing(
    city: Victim, more: tuple[str, ...]
):
    before = city.ask("select count(*) from catalogue.publication")
    said = typed(city, "catalogue", "load", *more, "--dry-run")
    assert said.exit_code == 0, said.output
    first, counted, *each = said.stdout.splitlines()
    assert first == "nothing is published, this is what would be / 试运行，未发布任何内容"
    found = re.match(r"published (\d+), unchanged \d+ / ", counted)
    assert found is not None
    assert int(found[1]) > 0
    assert len([line for line in each if line.startswith("published / 已发布: ")]) == int(found[1])
    assert city.ask("select count(*) from catalogue.publication") == before


def test_a_peer_is_shown_added_listed_known_at_the_door_and_removed(city: Victim, tmp_path: Path):
    shown = typed(city, "peers", "show", "--url", "http://127.0.0.1:9")
    assert shown.exit_code == 0, shown.output
    own = json.loads(shown.stdout)
    assert (own["code"], own["kind"], own["url"]) == ("city", "node", "http://127.0.0.1:9")
    assert {key["use"] for key in own["keys"]} == {"node", "feed"}

    Keys.create(tmp_path, ["node"])
    peer = Keys.load(tmp_path, {"node"})
    key = {"id": peer.key_id("node"), "public": b64encode(peer.public("node").raw).decode()}
    keys = [{**each, **key} if each["use"] == "node" else each for each in own["keys"]]
    file = tmp_path / "province.json"
    file.write_text(json.dumps({**own, "code": "province", "uscc": invented_uscc("province"), "keys": keys}))

    def status() -> int:
        url, at = f"{city.url}/v1/catalogue", datetime.now(UTC)
        signed = signed_headers(peer, node="province", to="city", method="GET", url=url, body=b"", at=at)
        return httpx.get(url, headers=signed, timeout=60).status_code

    def comes_to(wanted: int) -> None:
        end = time.monotonic() + 60
        while status() != wanted:
            assert time.monotonic() < end
            time.sleep(0.05)

    assert status() == 401
    added = typed(city, "peers", "add", str(file), "--place", "below", "--sends-for", "countya")
    assert (added.exit_code, key["id"] in added.stdout) == (0, True), added.output
    names, line = (each.split("\t") for each in typed(city, "peers", "list").stdout.splitlines())
    told = dict(zip(names, line, strict=True))
    assert (told["code"], told["place"], told["sends_for"]) == ("province", "below", "province countya")
    comes_to(200)
    assert typed(city, "peers", "remove", "province").exit_code == 0
    assert "removed" in typed(city, "peers", "list").stdout
    comes_to(401)
    again = typed(city, "peers", "add", str(file))
    assert again.exit_code == 0, again.output
    _, line = (each.split("\t") for each in typed(city, "peers", "list").stdout.splitlines())
    assert line == list(told.values()), "what was not said stays as it stood"
    comes_to(200)
    assert typed(city, "peers", "remove", "province").exit_code == 0
    file.write_text(json.dumps({**own, "code": "another", "uscc": invented_uscc("another"), "keys": keys}))
    new = typed(city, "peers", "add", str(file))
    assert (new.exit_code, "--place above" in new.stderr) == (2, True), "of one that is new the place must be said"


def test_a_node_says_who_runs_it_and_what_is_not_said_stays(city: Victim):
    names = ("--name", "City Platform", "--name-zh", "某市平台", "--uscc", invented_uscc("cityplatform"))
    published = typed(city, "peers", "init", *names)
    assert published.exit_code == 0, published.output
    assert "peers show --url" in published.stdout
    before = json.loads(typed(city, "peers", "show").stdout)
    assert (before["name"], before["name_zh"], before["uscc"]) == (names[1], names[3], names[5])
    assert typed(city, "peers", "init").exit_code == 0
    assert json.loads(typed(city, "peers", "show").stdout) == before


def test_the_keys_that_were_issued_are_listed_without_their_text(city: Victim):
    key = typed(city, "keys", "issue", "housing", "--label", "listed").stdout.strip()
    names, *lines = (line.split("\t") for line in typed(city, "keys", "list", "housing").stdout.splitlines())
    told = {row[0]: dict(zip(names, row, strict=True)) for row in lines}
    one = told[key.split("_")[2]]
    assert (one["party"], one["who"], one["items"], one["state"]) == ("housing", "listed", "all", "live")
    assert key.split("_")[3] not in "".join(map(str, told))
    typed(city, "keys", "revoke", key.split("_")[2])
    assert key.split("_")[2] not in typed(city, "keys", "list", "housing").stdout
    assert "revoked" in typed(city, "keys", "list", "housing", "--all").stdout


def test_how_the_node_stands_is_said_process_by_process(city: Victim):
    done = typed(city, "status", "--wait", "60")
    assert done.exit_code == 0, done.output
    names, *rows = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    told = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert {"gateway", "catalogue", "ingestion"} <= told.keys()
    assert told["gateway"]["listens"] == city.url
    assert {row["ready"] for row in told.values()} == {"yes"}
    assert "nothing is missing, nothing stands still" in done.stdout


def test_a_stopped_feed_is_listed_and_resumed(city: Victim):
    stop = (
        "insert into exchange.copy_head (peer, feed, alarm, alarmed_at)"
        " values ('harbour', 'up', 'root at index 0', now()) returning 1"
    )
    city.ask(stop)
    listed = typed(city, "feeds", "list")
    assert listed.exit_code == 0, listed.output
    names, *lines = (line.split("\t") for line in listed.stdout.splitlines())
    assert names == ["peer", "feed", "size", "state"]
    assert ["harbour", "up", "0", "root at index 0"] in lines
    resumed = typed(city, "feeds", "resume", "harbour", "up")
    assert (resumed.exit_code, "harbour/up" in resumed.stdout) == (0, True), resumed.output
    assert ["harbour", "up", "0", "ok"] in [
        line.split("\t") for line in typed(city, "feeds", "list").stdout.splitlines()
    ]
    again = typed(city, "feeds", "resume", "harbour", "up")
    assert (again.exit_code, "并未停止" in again.output) == (2, True), again.output


def test_a_node_that_was_put_back_shows_no_records_until_each_peer_was_heard_or_taken_out(city: Victim, tmp_path: Path):
    """The door is another process than the exchange, and both are told by the command in the database."""

    def shown() -> str:
        answer = httpx.get(f"{city.url}/v1/public/records?item=administrative_penalty", timeout=30)
        return "shown" if answer.status_code == 200 else answer.json()["code"]

    def comes_to(wanted: str) -> None:
        end = time.monotonic() + 60
        while shown() != wanted:
            assert time.monotonic() < end
            time.sleep(0.05)

    own = json.loads(typed(city, "peers", "show", "--url", "http://127.0.0.1:9").stdout)
    file = tmp_path / "pier.json"
    file.write_text(json.dumps({**own, "code": "pier", "uscc": invented_uscc("pier")}))
    assert typed(city, "peers", "add", str(file), "--place", "below").exit_code == 0
    city.ask("insert into exchange.copy_head (peer, feed) values ('pier', 'up'), ('pier', 'down') returning 1")
    assert shown() == "shown"
    marked = typed(city, "restore", "--before-start")
    assert (marked.exit_code, "pier" in marked.stdout) == (0, True), marked.output
    comes_to("catching_up")
    assert httpx.get(f"{city.url}/v1/public/lists", timeout=30).status_code == 200
    assert typed(city, "peers", "remove", "pier").exit_code == 0
    comes_to("shown")


def test_dead_letters_are_listed_shown_tried_again_and_dropped(city: Victim):
    poison = (
        "with e as (insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)"
        " values ('matching', 3, gen_random_uuid(), 'access.recorded', 1, 'nobody', now(), current_date, $1)"
        " returning stream, part, type, id)"
        " insert into bus.event_queue (stream, part, type, event) select stream, part, type, id from e returning 1"
    )
    assert "access.recorded" not in typed(city, "dead", "list").stdout
    for _ in range(3):
        city.ask(poison, b'{"subject": "990000198504120017"}')
    end = time.monotonic() + 60
    while city.ask("select count(*) from query.dead_letter") != 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    listed = typed(city, "dead", "list")
    assert listed.exit_code == 0, listed.output
    names, *letters = (line.split("\t") for line in listed.stdout.splitlines())
    every = [dict(zip(names, letter, strict=True)) for letter in letters]
    (told,) = every
    assert (told["service"], told["stream"], told["part"], told["type"]) == (
        "query",
        "matching",
        "3",
        "access.recorded",
    )
    assert (told["waiting"], "DatabaseError" in told["error"]) == ("2", True), "two wait behind it"
    letter = "/".join(told[name] for name in ("service", "stream", "part", "number"))
    shown = typed(city, "dead", "show", letter)
    assert (shown.exit_code, "DatabaseError" in shown.stdout) == (0, True), shown.output
    assert typed(city, "dead", "retry", letter).exit_code == 1, "it is refused again"
    number = int(told["number"])
    for each in range(number, number + 3):
        dropped = typed(city, "dead", "drop", letter.replace(f"/{number}", f"/{each}"), "--yes")
        last = each == number + 2
        assert dropped.exit_code == (0 if last else 1), dropped.output
        assert last or f"see `dead show {letter.replace(f'/{number}', f'/{each + 1}')}`" in dropped.stdout
    assert typed(city, "dead", "list").stdout.count("\n") == 1, "the names alone"
    for wrong in ("query/matching/3/999", "nowhere/matching/3/1", "query/matching/x/1", letter):
        assert typed(city, "dead", "retry", wrong).exit_code == 2
    for output in (listed.output, shown.output):
        assert "nobody" not in output
        assert "990000198504120017" not in output


def test_a_letter_of_a_stream_that_is_read_no_more_is_listed_as_such_and_dropped(city: Victim):
    city.ask(
        "insert into query.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data, error)"
        " select 'gone', 3, n, gen_random_uuid(), 'thing.gone', 1, 'somebody', now(), current_date, '',"
        "        case when n = 1 then 'KeyError' end from generate_series(1, 3) as n returning 1"
    )
    names, line = (each.split("\t") for each in typed(city, "dead", "list").stdout.splitlines())
    told = dict(zip(names, line, strict=True))
    assert (told["stream"], told["waiting"], told["asked"]) == ("gone", "2", "it is read no more: drop it")
    retried = typed(city, "dead", "retry", "query/gone/3/1")
    assert (retried.exit_code, "`dead drop query/gone/3/1`" in retried.stderr) == (2, True), retried.output
    dropped = typed(city, "dead", "drop", "query/gone/3/1", "--yes")
    assert (dropped.exit_code, "3 in all" in dropped.stdout) == (0, True), dropped.output
    assert typed(city, "dead", "list").stdout.count("\n") == 1


def test_a_letter_of_a_type_that_is_read_no_more_is_listed_as_such_and_not_tried_again(city: Victim):
    city.ask(
        "insert into exchange.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data, error)"
        " values ('query', 3, 1, gen_random_uuid(), 'access.recorded', 1, 'somebody', now(), current_date, '', 'Key')"
        " returning 1"
    )
    assert "it is read no more: drop it" in typed(city, "dead", "list").stdout
    retried = typed(city, "dead", "retry", "exchange/query/3/1")
    assert (retried.exit_code, "reads access.recorded of query no more" in retried.stderr) == (2, True), retried.output
    asked = city.ask("with gone as (delete from exchange.dead_letter returning asked) select count(asked) from gone")
    assert asked == 0, "nothing was asked for"


def test_the_terms_for_what_only_grows_are_the_nodes(city: Victim):
    terms = city.ask("select string_agg(name || ' ' || term, ', ' order by name) from bus.kept_term")
    assert terms == "events 30 days, idempotency 7 days, security_log 366 days"


def test_a_migration_that_is_given_no_term_leaves_the_nodes_own(city: Victim, monkeypatch: pytest.MonkeyPatch):
    """An administrator's shell has other variables than the services."""
    monkeypatch.setenv("CREDITMESH_ADMIN", url_of(city.sandbox.server.admin.of("postgres")))
    city.ask("update bus.kept_term set term = interval '3650 days' where name = 'security_log' returning 1")
    term = "select term::text from bus.kept_term where name = 'security_log'"
    assert typed(city, "migrate").exit_code == 0
    assert city.ask(term) == "3650 days"
    assert typed(city, "migrate", KEEP_SECURITY_LOG_DAYS="366").exit_code == 0
    assert city.ask(term) == "366 days"


def test_a_command_says_that_the_database_is_closed_and_what_opens_it(city: Victim):
    """As an upgrade that broke off leaves it."""
    city.ask("revoke connect on database city from city_bus")
    try:
        refused = typed(city, "readers", "list")
        said = " ".join(refused.stderr.split())
        assert (refused.exit_code, "until `creditmesh-node migrate` has ended well" in said) == (2, True), said
    finally:
        city.ask("grant connect on database city to city_bus")


def test_readers_are_listed_and_one_that_is_abandoned_is_taken_off(city: Victim):
    city.ask(
        "insert into bus.event_reader (reader, stream, part, number, at)"
        " select 'gone', 'ingestion', part, 0, now() from generate_series(0, 3) as part returning 1"
    )
    listed = typed(city, "readers", "list")
    assert listed.exit_code == 0, listed.output
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    running = {(reader, stream): runs for reader, stream, _, runs, _ in lines}
    assert (running["gone", "ingestion"], running["query", "ingestion"]) == ("no", "yes")
    nothing = typed(city, "readers", "evict", "query", "nothing", "--yes")
    assert (nothing.exit_code, "nobody called 'query' reads 'nothing'" in nothing.stderr) == (2, True), nothing.output
    runs = typed(city, "readers", "evict", "query", "ingestion", "--yes")
    assert (runs.exit_code, "stop every process that hosts it" in runs.stderr) == (2, True), runs.output
    assert ["query", "ingestion"] in [
        line.split("\t")[:2] for line in typed(city, "readers", "list").stdout.splitlines()
    ]
    assert typed(city, "readers", "evict", "gone", "ingestion", "--yes").exit_code == 0
    assert "gone" not in typed(city, "readers", "list").stdout
    assert typed(city, "readers", "evict", "gone", "ingestion", "--yes").exit_code == 2


def test_migrate_is_harmless_beside_running_processes_and_refuses_to_upgrade_them(
    city: Victim, monkeypatch: pytest.MonkeyPatch
):
    admin = city.sandbox.server.admin
    monkeypatch.setenv("CREDITMESH_ADMIN", url_of(admin.of("postgres")))
    began = city.ask(
        "select min(backend_start)::text from pg_stat_activity where application_name like 'consumer query [%'"
    )
    beside = typed(city, "migrate")
    assert (beside.exit_code, "nothing to upgrade" in beside.stdout) == (0, True), beside.output
    found = typed(city, "migrate", DATABASE=None)
    assert (found.exit_code, "nothing to upgrade" in found.stdout) == (0, True), found.output
    assert not (city.node.settings.state / "postgres").exists(), "no second server beside the node's own"
    head = str(city.ask("select version from bus.installed where package = 'query'"))
    city.ask("update bus.installed set version = 'query_0001' where package = 'query' returning 1")
    refused = typed(city, "migrate")
    assert refused.exit_code == 2, refused.output
    said = refused.stderr.replace("\n", " ")
    for word in (
        "Stop every process",
        ", since 2",
        "请停止本节点的所有进程",
    ):
        assert word in said
    for name in ("query", "exchange"):
        assert said.count(f"process {city.node.children[name].process.pid} (") == 1, "each process once"
    assert city.ask("select version from bus.installed where package = 'query'") == "query_0001", "nothing was touched"
    city.ask("update bus.installed set version = $1 where package = 'query' returning 1", head)
    assert city.ask(
        "select min(backend_start)::text from pg_stat_activity where application_name like 'consumer query [%'"
    ) == (began), "nobody was disturbed"


def test_every_command_explains_itself(city: Victim):
    def commands(group: list[str]) -> Iterator[list[str]]:
        done = typed(city, *group, "--help")
        assert done.exit_code == 0, done.output
        found = re.findall(r"^│ ([a-z]+) +\S", done.stdout.partition("Commands")[2], flags=re.MULTILINE)
        for name in found:
            yield from commands([*group, name])
        if not found:
            yield group

    every = [" ".join(each) for each in commands([])]
    wanted = {
        "up",
        "serve",
        "relay",
        "migrate",
        "clock",
        "keys create",
        "keys renew",
        "keys share",
        "keys issue",
        "keys revoke",
        "people add",
    }
    wanted |= {"status", "keys list", "peers init", "peers show", "peers add", "peers list", "peers remove"}
    wanted |= {"people erase", "people erasures"}
    wanted |= {"people officer", "catalogue load", "topics apply", "topics print"}
    wanted |= {"dead list", "dead show", "dead retry", "dead drop", "readers list", "readers evict"}
    wanted |= {"feeds list", "feeds resume", "feeds offer", "restore", "reconcile"}
    assert set(every) == wanted


RUNBOOKS = [(block, line) for block in run_by(__file__) for line in block.text.splitlines()]


@pytest.mark.parametrize(("block", "line"), RUNBOOKS, ids=[f"{b.page.stem}-{n}" for n, (b, _) in enumerate(RUNBOOKS)])
def test_what_a_runbook_says_to_look_at_can_be_looked_at(city: Victim, block: Block, line: str):
    program, *words = line.split()
    assert program == "creditmesh-node", block
    done = typed(city, *words)
    assert done.exit_code in ({0, 1} if words == ["status"] else {0}), done.output
    assert "Traceback" not in done.output


@pytest.mark.timeout(300)
def test_each_process_may_be_stopped_while_the_others_work(city: Victim):
    with Load(city) as load:
        load.underway()
        for name in ("ingestion", "query"):
            told_to_stop(city, name)
            started_again(city, name)
        load.on()
    assert load.statuses.keys() <= {200, 503}, load.statuses
    assert load.statuses[503], "the control: ingestion was away for a while, and the gateway said so"
    assert load.cut_off == 0, "the gateway stayed"
    everything_is_there_once(city, load)
