"""Submitting: rows of one item, in any of the accepted shapes, and how a submission stands."""
