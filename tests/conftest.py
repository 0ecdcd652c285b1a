"""The fixtures every test may ask for, where they put what they make, and how property tests look for examples."""

import atexit
import gc
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from shutil import rmtree
from typing import Any

import psutil
import pytest
import structlog
from httpx._transports import default as httpx_transports
from hypothesis import HealthCheck, settings

from tests.support.left import none_left_running

gc.disable()  # until all is collected: what is imported and collected stays
pytest_plugins = [
    "tests.support.remembered",  # before anything of ours
    "tests.support.kafka",
    "tests.support.postgres",
    "tests.support.node",
    "tests.support.refusals",
]

# How long an example or its making takes is the machine's; a fixture that lives longer than an example is meant.
_UNCHECKED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
settings.register_profile("searching", deadline=None, print_blob=True, suppress_health_check=_UNCHECKED)
settings.register_profile("repeatable", settings.get_profile("searching"), derandomize=True)
# Continuous integration tries the same examples at every commit, so that a failure is the commit's and can be bisected.
# Elsewhere every run tries others; what fails is printed as a decorator that repeats it.
settings.load_profile("repeatable" if os.environ.get("CI") else "searching")

BUSY = (
    "chaos/test_chain.py",
    "journeys/test_newcomer.py",
    "chaos/test_kill.py",
    "journeys/test_story.py",
    "chaos/test_kafka_node.py",
    "journeys/test_operating.py",
    "chaos/test_kafka_broker.py",
    "journeys/test_shutdown.py",
)
"""Files whose tests start whole nodes as processes, the longest first: each keeps two cores busy. The others wait."""
BETWEEN = 20
"""So many other files are begun between two of them."""
LONG = (
    "exchange/test_restoring.py",
    "exchange/test_reconciling.py",
    "histories/test_histories.py",
    "contracts/bus/test_kafka_contract.py",
    "exchange/test_second_history.py",
    "exchange/test_decided_twice.py",
    "journeys/test_restored_receiver.py",
    "journeys/test_chain_repair.py",
)
"""What takes longest in one process: the first of the others, for whoever begins it last keeps all waiting."""

MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by tempfile
ROOM = 8 << 30
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the busy files one after the other and not all at once, so that one runs beside what waits."""
    files = [
        (path.relative_to(TESTS).as_posix(), list(tests)) for path, tests in groupby(items, lambda each: each.path)
    ]
    busy = sorted((each for each in files if each[0] in BUSY), key=lambda each: BUSY.index(each[0]))
    order = sorted((each for each in files if each[0] not in BUSY), key=lambda each: each[0] not in LONG)
    for n, each in enumerate(busy):
        order.insert(n * (BETWEEN + 1), each)
    items[:] = [test for _, tests in order for test in tests]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What was imported and collected lives as long as the run, and batches make thousands of objects that die at once.

    The collector is told so, as a node tells its own (`node.running`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


@pytest.fixture(autouse=True, scope="module")
async def ended() -> AsyncIterator[None]:
    """No task that a module's tests or fixtures start outlives the module."""
    async with none_left_running():
        yield


def _not_remembered(configure: Callable[..., None], **given: Any) -> None:
    """As the node sets its logs up, but that a logger which was used before can still be listened to."""
    configure(**given | {"cache_logger_on_first_use": False})


os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="creditmesh-settings-")
atexit.register(rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True)
"""What our commands keep of a user is kept there, and not among the settings of whoever runs the tests."""


def pytest_configure() -> None:
    """Let what tests start be interrupted, and put what they make into memory where there is room.

    A database is 1,600 files, and a run makes hundreds.
    Copying and deleting one takes 0.2 s there and up to 3 s on a busy disk. `TMPDIR` says otherwise.
    """
    # Until a test sets logs up as a node does, an exception is its traceback: with every local variable of every frame
    # a node whose database goes away writes thousands of lines, which cost more than its tests.
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
    structlog.configure = partial(_not_remembered, structlog.configure)
    # Reading the certificates that a machine trusts takes 25 ms, and a run makes thousands of clients.
    httpx_transports.create_ssl_context = cache(httpx_transports.create_ssl_context)  # type: ignore[attr-defined]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs behind it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    found = os.statvfs(MEMORY)
    room = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
    if room > ROOM and not found.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
