"""The suite's assertions explain themselves although it is a module that tests import."""

import pytest

pytest.register_assert_rewrite("tests.contracts.bus.suite")
