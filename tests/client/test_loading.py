"""Names that are loaded when they are asked for are all there, as if they had been loaded at once."""

from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["creditmesh.client", "creditmesh.schemas.events"])
def test_every_name_of_a_package_is_found_where_it_lives_and_another_is_refused(name: str):
    package = import_module(name)
    assert sorted(package._HOME) == sorted(package.__all__)
    assert [each for each in package.__all__ if getattr(package, each) is None] == []
    with pytest.raises(AttributeError, match="nobody"):
        _ = package.nobody
