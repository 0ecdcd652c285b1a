"""Which errors may be quoted in a log."""


class LoggableError(Exception):
    """An error whose text this project wrote, and which quotes nothing that was sent: a log may show it.

    The message of any other exception may hold somebody's data, and is shown nowhere.
    """
