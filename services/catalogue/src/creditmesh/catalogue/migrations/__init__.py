"""The schema `catalogue`."""
