"""Print the lines of a hashed lock that pin the named packages, so that the installer itself is hash-checked too."""

import re
import sys
from pathlib import Path

lock, *names = sys.argv[1:]
for block in re.split(r"\n(?=[a-zA-Z0-9])", Path(lock).read_text(encoding="utf-8")):
    if block.split("==")[0] in names:
        print(block)
