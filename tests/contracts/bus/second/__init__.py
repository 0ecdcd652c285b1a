"""A reader of the bus suite: it writes down every effect, doubled ones too."""
