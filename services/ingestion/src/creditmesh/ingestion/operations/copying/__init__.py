"""Copying: entries of peers' feeds are judged and become copies of their records."""
