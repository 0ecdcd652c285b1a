"""The schema `matching`."""
