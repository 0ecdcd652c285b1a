"""The fixtures every test may ask for, where they put what they make, and how property tests look for examples."""

import os
import signal
import tempfile
from pathlib import Path

import psutil
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.kafka", "tests.support.postgres", "tests.support.node"]

# How long an example or its making takes is the machine's; a fixture that lives longer than an example is meant.
_UNCHECKED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
settings.register_profile("searching", deadline=None, print_blob=True, suppress_health_check=_UNCHECKED)
settings.register_profile("repeatable", settings.get_profile("searching"), derandomize=True)
# Continuous integration tries the same examples at every commit, so that a failure is the commit's and can be bisected.
# Elsewhere every run tries others; what fails is printed as a decorator that repeats it.
settings.load_profile("repeatable" if os.environ.get("CI") else "searching")

MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by tempfile
ROOM = 8 << 30


def pytest_configure() -> None:
    """Let what tests start be interrupted, and put what they make into memory where there is room.

    A database is 1,600 files, and a run makes hundreds.
    Copying and deleting one takes 0.2 s there and up to 3 s on a busy disk. `TMPDIR` says otherwise.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs behind it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    found = os.statvfs(MEMORY)
    room = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
    if room > ROOM and not found.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
