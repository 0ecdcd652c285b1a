"""The schema `query`."""
