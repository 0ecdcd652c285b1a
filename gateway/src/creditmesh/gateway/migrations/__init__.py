"""The versions of the schema `gateway`."""
