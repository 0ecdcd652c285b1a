"""The schema `repair`, version by version."""
