"""The schema `vault`, one a node."""
