"""What the exit codes of the commands say, the same for all of them, and how a command comes to one."""

from collections.abc import Callable
from enum import IntEnum

from creditmesh.client.cli import say
from creditmesh.client.errors import ClientError

_AGAIN = "Broken off. Run the same command again: it goes on where it stood.", "已中断。重新运行同一命令即可续传。"


class Exit(IntEnum):
    """What the exit code says: what was refused was understood, what failed was not even judged."""

    DONE = 0
    REFUSED = 1
    FAILED = 2
    INTERRUPTED = 130


def concluded(work: Callable[[], Exit], *, as_json: bool = False) -> Exit:
    """Do the work of a command and say why it ended, where it did not end well."""
    try:
        return work()
    except ClientError as error:
        say.error(error, as_json=as_json)
        if error.passing:
            say.notice(*_AGAIN)
        return Exit.FAILED
    except KeyboardInterrupt:
        say.notice(*_AGAIN)
        return Exit.INTERRUPTED
