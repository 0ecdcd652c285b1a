"""Versions of the schema `exchange`."""
