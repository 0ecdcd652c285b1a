"""What ingestion stores: revisions, submissions, reviews."""
