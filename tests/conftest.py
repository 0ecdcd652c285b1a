"""The fixtures every test may ask for."""

pytest_plugins = ["tests.support.kafka", "tests.support.postgres", "tests.support.node"]
