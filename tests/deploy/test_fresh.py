"""The commands of both READMEs as somebody new to it types them: in an empty folder, behind a private index.

`make fresh` runs it: it downloads every wheel of the lock, once, and makes an environment of them. What it covers: a
clone, pip's file with an index that has a private certificate and nothing else, no cache, `make run` with its own
`make setup`, and that `make test` begins. Not: another machine, another Python, and the whole of `make test` there.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.deploy.serving import served
from tests.support.pages import ROOT, blocks

OURS = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "CREDITMESH_", "VIRTUAL_ENV", "PYTHON", "MAKE", "MFLAGS")
READMES = ("README.md", "README.zh-CN.md")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="creditmesh-fresh-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def index(folder: Path) -> Path:
    """What the lock names for this machine, as an index has it."""
    wheels = folder / "wheels"
    asked = [".venv/bin/python", "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    subprocess.run([*asked, "-r", "requirements.lock", "-d", str(wheels)], check=True)  # noqa: S603 - our own command
    for wheel in wheels.iterdir():
        place = folder / "index" / "simple" / re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
        place.mkdir(parents=True, exist_ok=True)
        wheel.rename(place / wheel.name)
        with (place / "index.html").open("a", encoding="utf-8") as page:
            page.write(f'<a href="{wheel.name}">{wheel.name}</a>\n')
    return folder / "index"


def typed(clone: Path, line: str, environ: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S602 - what the page says, in the folder of the clone
        line, shell=True, cwd=clone, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_both_readmes_say_the_same_two_commands():
    for name in READMES:
        first, second, *_ = (block.text.strip() for block in blocks(ROOT / name) if block.language == "sh")
        assert (first, second) == ("make run", "make test")


@pytest.mark.skipif("FRESH" not in os.environ, reason="it downloads every wheel of the lock: make fresh")
@pytest.mark.timeout(1800)
def test_a_clone_in_an_empty_folder_runs_behind_a_private_index(
    folder: Path, index: Path, authority: tuple[Path, Path]
):
    clone, home = folder / "clone", folder / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)  # noqa: S603, S607 - our own checkout
    with served(index, authority[1]) as url:
        (folder / "pip.conf").write_text(f"[global]\nindex-url = {url}\ncert = {authority[0]}\n")
        plain = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
        environ = {**plain, "HOME": str(home), "XDG_CACHE_HOME": str(home), "PIP_CONFIG_FILE": str(folder / "pip.conf")}
        told = typed(clone, "make run ONCE=1", environ)
    assert told.count("√") > 20
    assert "×" not in told
    begun = typed(clone, ".venv/bin/python -m pytest --collect-only", environ)
    assert len(re.findall(r"^tests/", begun, re.MULTILINE)) > 5000
    assert typed(clone, "git status --porcelain", environ) == "", "what it makes is ignored"
