"""How the commands show their help and say that they were called wrongly: in both languages, and whole.

Every text is folded at the width of the terminal, and not at all in a pipe; nothing is cut, and no value that was
given is said again.
"""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import typer
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from creditmesh.client.cli import say
from creditmesh.client.cli.exits import Exit, told

_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
_EXTRA = "unexpected extra argument"


class _Parameter(Protocol):
    """What is shown of an option or an argument."""

    name: str
    opts: Sequence[str]
    help: str | None
    required: bool
    envvar: str | Sequence[str] | None
    param_type_name: str

    def get_error_hint(self) -> str:
        """What it is called."""

    def display_type(self, ctx: Any) -> str:
        """What it takes: `<uuid>`, `<live|backfill>`."""


class Command(TyperCommand):
    """A command that shows its help whole."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Usage, what it does, its arguments and options."""
        del formatter
        _show(self, ctx)


class Group(TyperGroup):
    """Commands under one name; the outermost says what was wrong with a call."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Usage, what it is for, its options and commands."""
        del formatter
        _show(self, ctx)
        commands = (self.get_command(ctx, name) for name in self.list_commands(ctx))
        named = [(each.name, _first_line(each.help)) for each in commands if each is not None and not each.hidden]
        _section("命令 commands", named)
        _section("退出码 exit codes", [(str(each.value), told(each)) for each in Exit])

    def main(self, args: Sequence[str] | None = None, *more: Any, standalone_mode: bool = True, **options: Any) -> Any:
        """Run; a call that cannot be read is said in a line of each language, without the values that were given."""
        main = partial(super().main, args, *more, **options)
        if not standalone_mode:
            return main(standalone_mode=False)
        try:
            code = main(standalone_mode=False)
        except _USAGE_ERROR as wrong:
            code = _usage(wrong)
        except typer.Abort:
            code = Exit.INTERRUPTED
        except BrokenPipeError:  # whoever read the answer has read enough
            code = say.nobody_reads()
        sys.exit(code if isinstance(code, int) else Exit.DONE)


def _show(command: Any, context: Any) -> None:
    say.answers.print(f"用法 usage: {context.command_path} {' '.join(command.collect_usage_pieces(context))}\n")
    say.answers.print("\n".join(line.strip() for line in (command.help or "").strip().splitlines()))
    parameters: list[_Parameter] = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    for title, kind in (("参数 arguments", "argument"), ("选项 options", "option")):
        _section(title, [_described(each, context) for each in parameters if each.param_type_name == kind])


def _described(parameter: _Parameter, context: Any) -> tuple[str, str]:
    name = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name
    env = parameter.envvar if isinstance(parameter.envvar, str) else None
    choices = _choices(parameter, context)
    after = ("[必填 required]" if parameter.required else "", f"[{env}]" if env else "", f"[{choices}]" * bool(choices))
    help_text = parameter.help or ""
    if name == "--help":
        help_text = "显示本说明。Show this and exit."
    return name, " ".join(filter(None, (help_text, *after)))


def _section(title: str, rows: Iterable[tuple[str | None, str]]) -> None:
    rows = list(rows)
    if not rows:
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(f"  {name}", text)
    say.answers.print(f"\n{title}:")
    say.table(table)


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else ""


def _usage(wrong: Any) -> Exit:
    if wrong.ctx is not None and type(wrong).__name__ == "NoArgsIsHelpError":
        return Exit.FAILED  # the help was shown when the error was made
    detail, detail_zh = _told(wrong)
    say.problem_lines(detail_zh, detail)
    if wrong.ctx is not None:
        say.notice(f"See {wrong.ctx.command_path} --help.", f"用法见 {wrong.ctx.command_path} --help。")
    return Exit.FAILED


def _told(wrong: Any) -> tuple[str, str]:
    parameter: _Parameter | None = getattr(wrong, "param", None)
    if parameter is not None:
        name, (form, form_zh) = parameter.get_error_hint().strip("'"), _form(parameter, wrong.ctx)
        if isinstance(wrong, typer.BadParameter) and type(wrong) is not typer.BadParameter:
            return f"{name} is missing; give {form}.", f"缺少 {name}；请给出{form_zh}。"
        return f"{name}: this is no value of it; give {form}.", f"{name}：取值不符合要求；请给出{form_zh}。"
    if _EXTRA in wrong.message:
        return "There are more arguments than the command takes.", "参数多于该命令所需。"
    return wrong.format_message(), "命令行有误：没有该命令或选项，或缺少其取值。"


def _choices(parameter: _Parameter, context: Any) -> str:
    shown = parameter.display_type(context).strip("<>[]")
    return shown if "|" in shown else ""


_FORMS = {
    "uuid": ("a UUID", " UUID 编号"),
    "int": ("a whole number", "整数"),
    "path": ("a file", "文件"),
    "%y": ("a day, YYYY-MM-DD", "日期 YYYY-MM-DD"),
}


def _form(parameter: _Parameter, context: Any) -> tuple[str, str]:
    """What it takes, in both languages."""
    shown = parameter.display_type(context)
    known = next((form for name, form in _FORMS.items() if name in shown.lower()), None)
    choices = shown.strip("<>[]")
    return known or ((f"one of {choices}", f"其一：{choices}") if "|" in choices else ("a value", "取值"))
