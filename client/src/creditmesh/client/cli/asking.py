"""What every command that asks a node has in common: the options that say which node and as whom, and how it ends."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import typer

from creditmesh.client.cli import options
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.cli.target import Target, TargetOptions, open_target_of, target_of, warn_of_key
from creditmesh.client.errors import Unsendable
from creditmesh.client.node import Node

P = ParamSpec("P")


@dataclass(frozen=True)
class CommandCall:
    """One call of a command: where it goes, and how its answer is shown."""

    place: TargetOptions
    as_json: bool

    @cached_property
    def target(self) -> Target:
        """The node and the credential; Unsendable where they are not said."""
        return target_of(self.place)

    @contextmanager
    def node(self, *, open_to_all: bool = False) -> Iterator[Node]:
        """The node; `open_to_all`: what is asked needs no credential, and none is sent."""
        target = open_target_of(self.place) if open_to_all else self.target
        with Node(target.url, key=target.key) as made:
            yield made


def _shared(
    context: typer.Context,
    *,
    node: options.NodeUrl = None,
    key: options.Key = None,
    key_file: options.KeyFile = None,
    profile: options.Profile = None,
    sandbox: options.Sandbox = None,
    sandbox_file: options.SandboxFile = Path("var/sandbox.json"),
    as_json: options.AsJson = False,
) -> CommandCall:
    """The options that all these commands take, and what they say."""
    warn_of_key(context)
    given = {name: context.get_parameter_source(name) for name in ("node", "key", "key_file", "profile")}
    said = frozenset(name for name, source in given.items() if source is not None and source.name == "COMMANDLINE")
    place = TargetOptions(
        node=node or None,
        key=key or None,
        key_file=key_file,
        profile=profile or None,
        sandbox=sandbox,
        sandbox_file=sandbox_file,
        on_command_line=said,
    )
    return CommandCall(place, as_json)


def asks(work: Callable[Concatenate[CommandCall, P], Exit]) -> Callable[..., None]:
    """A command of the work and its own parameters, with the shared options behind them."""
    return _command(work, resumes=False)


def resumes(work: Callable[Concatenate[CommandCall, P], Exit]) -> Callable[..., None]:
    """As `asks`, of work that goes on where it stood when it is done again."""
    return _command(work, resumes=True)


def _command(work: Callable[Concatenate[CommandCall, P], Exit], *, resumes: bool) -> Callable[..., None]:
    own = list(inspect.signature(work, eval_str=True).parameters.values())[1:]
    shared = inspect.signature(_shared, eval_str=True).parameters

    given_work: Callable[..., Exit] = work

    @wraps(work)
    def run(**given: Any) -> None:
        about = {name: given.pop(name) for name in shared}

        def worked() -> Exit:
            _refuse_no_text({**about, **given})
            return given_work(_shared(**about), **given)

        raise typer.Exit(concluded(worked, as_json=about["as_json"], resumes=resumes))

    parameters = (shared["context"], *own, *(each for name, each in shared.items() if name != "context"))
    signature = inspect.Signature(sorted(parameters, key=lambda each: each.kind))
    run.__signature__ = signature  # type: ignore[attr-defined] # what typer reads
    run.__annotations__ = {name: each.annotation for name, each in signature.parameters.items()}
    return run


def _refuse_no_text(given: Mapping[str, object]) -> None:
    """Unsendable, with the option, where its value has bytes that are no text in this machine's encoding."""
    for name, value in given.items():
        texts = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(each, str) and not each.isascii() and not _is_text(each) for each in texts):
            option = name.replace("_", "-")
            raise Unsendable(f"--{option}: this is no text.", f"--{option}：不是有效的文本。")


def _is_text(value: str) -> bool:
    return value.encode("utf-8", "replace").decode() == value
