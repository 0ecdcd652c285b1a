"""The toys' tables."""
