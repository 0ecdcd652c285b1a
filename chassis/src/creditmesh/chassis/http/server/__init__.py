"""The server: a listener, the bounds of what it reads, and how it ends."""
