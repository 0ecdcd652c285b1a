"""`make setup` reaches the package index as pip on that machine does: its files, its variables, its certificates."""

import ast
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy.serving import served

UV = Path(sys.executable).parent / "uv"
WHEEL = "tinything-1.0-py3-none-any.whl"
OURS = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "HTTP", "http", "ALL_PROXY", "NIX_SSL")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with one small package, as files."""
    folder = tmp_path_factory.mktemp("index")
    place = folder / "simple" / "tinything"
    place.mkdir(parents=True)
    info = "tinything-1.0.dist-info"
    with zipfile.ZipFile(place / WHEEL, "w") as wheel:
        wheel.writestr("tinything.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    (place / "index.html").write_text(f'<a href="{WHEEL}">{WHEEL}</a>')
    return folder


def synced(index: Path, work: Path, *before: str, conf: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`uv pip sync` of the one package into an empty environment, on a machine where pip is configured so."""
    (work / "pip.conf").write_text(conf)
    digest = hashlib.sha256((index / "simple/tinything" / WHEEL).read_bytes()).hexdigest()
    (work / "lock").write_text(f"tinything==1.0 --hash=sha256:{digest}\n")
    plain: Mapping[str, str] = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environ = {**plain, "HOME": str(work), "XDG_CONFIG_HOME": str(work), "UV_CACHE_DIR": str(work / "cache")}
    environ |= {"UV_HTTP_RETRIES": "0", "PIP_CONFIG_FILE": str(work / "pip.conf"), **variables}
    made = [str(UV), "venv", "-q", "--no-config", "--python", sys.executable, str(work / "made")]
    subprocess.run(made, check=True, env=environ)  # noqa: S603 - our own command
    line = [
        *before,
        str(UV),
        "pip",
        "sync",
        "-q",
        "--python",
        str(work / "made"),
        "--require-hashes",
        str(work / "lock"),
    ]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - the same
    assert (done.returncode == 0) == bool(list((work / "made").rglob("tinything.py"))), done.stderr
    return done


AS_PIP = (sys.executable, "deploy/as_pip.py")


def test_an_index_in_pips_file_is_uvs_too(index: Path, tmp_path: Path):
    with served(index) as url:
        done = synced(index, tmp_path, *AS_PIP, conf=f"[global]\nindex-url = {url}\n")
    assert done.returncode == 0, done.stderr


def test_an_index_behind_a_private_certificate_is_reached_with_it(
    index: Path, tmp_path: Path, authority: tuple[Path, Path]
):
    known, own = authority
    with served(index, own) as url:
        done = synced(index, tmp_path, *AS_PIP, conf=f"[global]\nindex-url = {url}\ncert = {known}\n")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "variables",
    [{"PIP_CERT": "{known}"}, {"PIP_TRUSTED_HOST": "127.0.0.1"}],
    ids=lambda given: next(iter(given)),
)
def test_what_a_variable_says_of_certificates_holds(
    index: Path, tmp_path: Path, authority: tuple[Path, Path], variables: dict[str, str]
):
    known, own = authority
    given = {name: value.format(known=known) for name, value in variables.items()}
    with served(index, own) as url:
        done = synced(index, tmp_path, *AS_PIP, PIP_INDEX_URL=url, **given)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["uv", "pip"])
def test_an_authority_in_the_systems_store_alone_is_known_to_uv_and_to_the_pip_of_a_new_environment(
    index: Path, tmp_path: Path, authority: tuple[Path, Path], program: str
):
    """`SSL_CERT_FILE` is where OpenSSL, and Python with it, has that store."""
    known, own = authority
    with served(index, own) as url:
        variables = {"PIP_INDEX_URL": url, "SSL_CERT_FILE": str(known), "PIP_CONFIG_FILE": os.devnull}
        if program == "uv":
            done = synced(index, tmp_path, *AS_PIP, **variables)
        else:
            line = [
                *AS_PIP,
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "-d",
                str(tmp_path),
                "--retries",
                "0",
                "tinything",
            ]
            plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
            done = subprocess.run(line, env=plain | variables, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("hashed", [True, False])
def test_a_folder_is_the_systems_store_for_pip_where_it_can_be_looked_into_and_uv_has_the_system_in_any_case(
    tmp_path: Path, authority: tuple[Path, Path], *, hashed: bool
):
    """Names that are no hashes are found by nobody: pip would trust none at all instead of its own."""
    (tmp_path / ("0a1b2c3d.0" if hashed else "snakeoil.pem")).write_bytes(authority[0].read_bytes())
    look = "import os, sys; sys.path.insert(0, 'deploy'); import as_pip; print(as_pip.as_uv({}, {}))"
    environ = {**os.environ, "SSL_CERT_DIR": str(tmp_path), "SSL_CERT_FILE": str(tmp_path / "none")}
    done = subprocess.run([sys.executable, "-c", look], env=environ, capture_output=True, text=True, check=True)  # noqa: S603
    assert ast.literal_eval(done.stdout) == {"UV_SYSTEM_CERTS": "true"} | (
        {"PIP_CERT": str(tmp_path)} if hashed else {}
    )


def test_a_certificate_that_nobody_knows_is_refused(index: Path, tmp_path: Path, authority: tuple[Path, Path]):
    with served(index, authority[1]) as url:
        done = synced(index, tmp_path, *AS_PIP, PIP_INDEX_URL=url)
    assert done.returncode != 0


def test_a_further_index_and_a_folder_of_wheels_are_looked_into(index: Path, tmp_path: Path):
    (tmp_path / "empty" / "simple" / "tinything").mkdir(parents=True)
    with served(tmp_path / "empty") as first, served(index) as second:
        for number, conf in enumerate(
            (
                f"[install]\nindex-url = {first}\nextra-index-url =\n    {second}\n",
                f"[install]\nindex-url = {first}\nfind-links = {index / 'simple/tinything'}\n",
                f"[global]\nno-index = true\nfind-links = {index / 'simple/tinything'}\n",
            )
        ):
            work = tmp_path / str(number)
            work.mkdir()
            done = synced(index, work, *AS_PIP, conf=conf)
            assert done.returncode == 0, (conf, done.stderr)


def test_what_is_set_for_uv_itself_stays(index: Path, tmp_path: Path):
    with served(index) as url:
        conf = "[global]\nindex-url = http://127.0.0.1:9/simple\n"
        done = synced(index, tmp_path, *AS_PIP, conf=conf, UV_DEFAULT_INDEX=url)
    assert done.returncode == 0, done.stderr


def test_whatever_of_the_makefile_asks_an_index_asks_as_pip_does():
    lines = [
        line for line in Path("Makefile").read_text(encoding="utf-8").splitlines() if "/uv" in line or " pip " in line
    ]
    asks = [line for line in lines if not line.startswith("setup:")]
    assert len(asks) == 2
    assert [line for line in asks if "$(AS_PIP) $(BIN)/" not in line] == []
