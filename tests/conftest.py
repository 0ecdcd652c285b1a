"""The fixtures every test may ask for, and how property tests look for examples."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.kafka", "tests.support.postgres", "tests.support.node"]

settings.register_profile("searching", deadline=None, print_blob=True)
settings.register_profile("repeatable", settings.get_profile("searching"), derandomize=True)
# Continuous integration tries the same examples at every commit, so that a failure is the commit's and can be bisected.
# Elsewhere every run tries others; what fails is printed as a decorator that repeats it.
settings.load_profile("repeatable" if os.environ.get("CI") else "searching")
