"""The schema `bus`, one a node."""
