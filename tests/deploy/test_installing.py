"""What the guides tell of installing works from a checkout, with what each distribution says that it needs."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.pages import PAGES, ROOT, blocks, run_by

NODE = next(
    block.text for page in PAGES for block in blocks(page) if "pip install ./" in block.text and "./node" in block.text
)
BLOCKS = {"creditmesh-client": run_by(__file__)[0].text, "creditmesh-node": NODE}
"""The lines by what they install, the same in both languages of a page; those of the client are run."""
STANDARD = sys.stdlib_module_names | {"creditmesh"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(names: list[str]) -> dict[str, Distribution]:
    """The distributions that these need, by their own word."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        if canonical(wanted.name) in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        each = found[canonical(wanted.name)] = distribution(wanted.name)
        extras = wanted.extras or {""}
        waiting += [
            more
            for more in map(Requirement, each.requires or ())
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


def shelf(folder: Path, names: list[str]) -> Path:
    """A folder with what these need of others and nothing else, in the place of a package index."""
    folder.mkdir()
    for name, each in needed(names).items():
        if name.startswith("creditmesh-"):
            continue
        for top in {Path(str(path)).parts[0] for path in each.files or ()} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(each.locate_file(top))))
    return folder


@pytest.mark.timeout(600)
def test_the_client_is_installed_from_a_checkout_and_starts_with_what_it_says_it_needs(tmp_path: Path):
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(shelf(tmp_path / "shelf", ["creditmesh-client", "hatchling"])),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's word for: without
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    script = (
        BLOCKS["creditmesh-client"] + "~/creditmesh/bin/python -c 'import creditmesh.client as it; print(it.__file__)'"
    )
    done = subprocess.run(  # noqa: S603 - the lines of our own guide
        ["/bin/bash", "-e", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    *_, version, place = done.stdout.splitlines()
    assert version.startswith("creditmesh ")
    assert place.startswith(str(tmp_path)), "what starts is what was installed"


@pytest.mark.parametrize("name", BLOCKS)
def test_the_folders_that_are_installed_are_all_that_is_needed_of_ours(name: str):
    (folders,) = re.findall(r"pip install (\./.*)", BLOCKS[name])
    given = {path.name for folder in folders.split() for path in ROOT.glob(folder.removeprefix("./"))}
    assert {f"creditmesh-{each}" for each in given} == {
        each for each in needed([name]) if each.startswith("creditmesh-")
    }


def test_a_distribution_names_whatever_its_modules_import():
    owners = packages_distributions()
    for project in sorted(ROOT.glob("**/pyproject.toml")):
        if ".venv" in project.parts or not (project.parent / "src" / "creditmesh").exists():
            continue
        told = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
        needs = needed(told)
        missing = {
            top
            for path in (project.parent / "src").rglob("*.py")
            for top in imported(path) - STANDARD
            if not any(canonical(owner) in needs for owner in owners.get(top, ()))
        }
        assert missing == set(), f"{project}: not named"


def imported(path: Path) -> set[str]:
    """The top names of what a module imports."""
    found = set()
    for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(each, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in each.names}
        elif isinstance(each, ast.ImportFrom) and each.level == 0:
            found.add((each.module or "").partition(".")[0])
    return found
