"""What operators read of credentials is all there is."""

import re
from pathlib import Path

from creditmesh.gateway.models import SCOPES

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "credentials.md"


def test_every_scope_stands_in_the_guide_with_what_it_allows_and_no_other():
    rows = re.findall(r"^\| (`[a-z]+:[^|]+) \| [^|]+ \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {scope for row in rows for scope in re.findall(r"`([^`]+)`", row)} == SCOPES
