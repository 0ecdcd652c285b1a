"""What the exit codes of the commands say, the same for all of them, and how a command comes to one."""

from collections.abc import Callable
from enum import IntEnum

from creditmesh.client.cli import say
from creditmesh.client.errors import ClientError, Unsendable

_GOES_ON = "Broken off. Run the same command again: it goes on where it stood.", "已中断。重新运行同一命令即可续传。"
_AGAIN = (
    "Broken off. Try again; where something was to be changed, look first whether it was.",
    "已中断。请重试；如系变更操作，请先查看是否已生效。",
)


class Exit(IntEnum):
    """What the exit code says: what was refused was understood, what failed was not even judged."""

    DONE = 0
    REFUSED = 1
    FAILED = 2
    INTERRUPTED = 130


_TOLD = {
    Exit.DONE: "已完成 done",
    Exit.REFUSED: "有行被拒绝、主体未识别、核验不符或授权不在有效期内 rows were refused, subjects not identified, or "
    "something does not fit or is not in force today",
    Exit.FAILED: "未能办理：用法、文件、密钥、连接有误，或节点整体拒绝 not done: usage, file, key or connection, "
    "or the node refused the whole",
    Exit.INTERRUPTED: "中断 interrupted",
}


def told(code: Exit) -> str:
    """An exit code in words of both languages."""
    return _TOLD[code]


def concluded(work: Callable[[], Exit], *, as_json: bool = False, resumes: bool = False) -> Exit:
    """Do the work of a command and say why it ended, where it did not end well; `resumes`: again, it goes on."""
    again = _GOES_ON if resumes else _AGAIN
    try:
        return work()
    except ClientError as error:
        say.error(error, as_json=as_json)
        if error.passing:
            say.notice(*again)
        return Exit.FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        place, why = say.printable(str(error.filename or "")), error.strerror or type(error).__name__
        say.error(Unsendable(f"{place}: {why}.", f"{place}：无法读取或写入（{why}）。"), as_json=as_json)
        return Exit.FAILED
    except KeyboardInterrupt:
        say.notice(*again)
        return Exit.INTERRUPTED
