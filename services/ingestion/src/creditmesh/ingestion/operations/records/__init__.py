"""Records and what becomes of them: the book they stand in, verdicts on rows, changes, reviews, cases."""
