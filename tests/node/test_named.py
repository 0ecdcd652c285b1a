"""What becomes part of an address is what it may be, or is refused before anybody is asked."""

import pytest

from creditmesh.node.errors import NodeError
from creditmesh.node.named import entry, feed_name, node_code


def test_a_code_a_feed_and_an_entry_are_read():
    assert node_code("province") == "province"
    assert [feed_name(name) for name in ("up", "down", "down-town")] == ["up", "down", "down-town"]
    assert entry("down-town/0") == ("down-town", 0)


@pytest.mark.parametrize("text", ["", "up", "up/", "/1", "up/-1", "up/1.5", "up/1/2", "up/²", "up/١", "up/" + "9" * 30])
def test_what_is_no_entry_is_refused_in_both_languages(text: str):
    with pytest.raises(NodeError, match=r"(?s)such as.*例如|is not a feed.*不是"):
        entry(text)


@pytest.mark.parametrize("text", ["", "..", "a/b", "Province", "p", "province?x=1", "province\n", "省"])
def test_what_is_no_code_is_refused(text: str):
    with pytest.raises(NodeError):
        node_code(text)
