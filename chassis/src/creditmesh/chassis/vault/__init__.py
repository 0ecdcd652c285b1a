"""Personal data: subjects and how they are found, keys, and what is sealed under them."""
