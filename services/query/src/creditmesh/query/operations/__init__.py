"""What the query service does, by noun; routes and handlers call these and nothing below."""
