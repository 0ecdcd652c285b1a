"""What the service does, called by `api` and by `events`."""
