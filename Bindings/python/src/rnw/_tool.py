"""Runs the `rnw` command, which the wheel brings along, and gives what it found as typed results."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from ._file import Path
from ._results import Comparison, Conversion

# True gives `--name`, False `--no-name`; a sequence gives the option several times; None leaves it out.
Option: TypeAlias = "str | int | float | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None"
# Called with what is done, how much of it, and how much there is, such as ("comparing", 12, 53).
Progress: TypeAlias = "Callable[[str, int, int], None]"


class ToolError(RuntimeError):
    """The command gave no verdict: it says why in a line, and ends with this status (64 usage, 65 bad data, …)."""

    def __init__(self, message: str, *, status: int | None = None, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.message, self.status, self.hint = message, status, hint


def convert(source: Path, output: Path, *, progress: Progress | None = None, **options: Option) -> Conversion:
    """Converts a weight file to a `.rnw`, as `rnw convert SOURCE -o OUTPUT` does, and gives the proof.

    Every option of the command may be told by its name: `precision="float16"`, `accept_invalid=True`. The result is
    false where a layer is out of its limit, and then nothing was written.
    """
    return Conversion.of(run("convert", source, {"output": output, **options}, Conversion.schemas, progress))


def compare(model: Path, *, progress: Progress | None = None, **options: Option) -> Comparison:
    """Compares a model layer by layer, as `rnw verify MODEL` does with `against`, `candidate` or `runtime`."""
    return Comparison.of(run("verify", model, options, Comparison.schemas, progress))


def tool() -> str:
    """The command: `RNW_BINARY`, or what was installed with this package, or what is on the path."""
    named = os.environ.get("RNW_BINARY")
    if named:
        return named
    for scheme in (None, sysconfig.get_preferred_scheme("user")):
        folder = sysconfig.get_path("scripts") if scheme is None else sysconfig.get_path("scripts", scheme)
        path = os.path.join(folder, "rnw")
        if os.access(path, os.X_OK):
            return path
    found = shutil.which("rnw")
    if not found:
        hint = "install the wheel of rnw for your platform, put rnw on the path, or name it in RNW_BINARY"
        raise ToolError("the rnw command is needed and is not there", hint=hint)
    return found


def run(
    command: str, path: Path, options: dict[str, Option], schemas: Sequence[str], progress: Progress | None
) -> dict[str, Any]:
    """The JSON document of a command on a file."""
    arguments = [tool(), command, *spelled(options), "--json", "--", os.fspath(path)]
    output, errors, status = ended(arguments, progress)
    if status not in (0, 1) or not output:
        lines = [line for line in errors.splitlines() if line.strip()]
        hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
        message = next((line for line in lines if not line.startswith("hint: ")), f"rnw {command} ended with {status}")
        raise ToolError(re.sub("^(rnw|Error): ", "", message), status=status, hint=hints[0] if hints else None)
    document: dict[str, Any] = json.loads(output)
    if document.get("schema") not in schemas:
        raise ToolError(f"rnw {command} gave {document.get('schema')!r} with these options, which is no {schemas[0]}")
    return document


def spelled(options: dict[str, Option]) -> list[str]:
    """The options as the command line has them."""
    arguments = []
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if isinstance(value, bool):
            arguments.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, (str, int, float, os.PathLike)):
            arguments.append(f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
        elif value is not None:
            arguments += [f"{flag}={os.fspath(one)}" for one in value]
    return arguments


def ended(arguments: list[str], progress: Progress | None) -> tuple[str, str, int]:
    """What a command wrote, and its status. Progress is what it draws where its standard error is a terminal."""
    if progress is None or os.name != "posix":
        result = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
        return result.stdout, result.stderr, result.returncode
    screen, terminal = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    # The document goes to a file, so that only one stream is to be read while it runs.
    with tempfile.TemporaryFile() as output, os.fdopen(screen, "rb", buffering=0) as drawn:
        try:
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=terminal, env=environment
            )
        finally:
            os.close(terminal)
        try:
            errors = watched(drawn, progress)
        except BaseException:
            process.terminate()
            raise
        finally:
            process.wait()
        output.seek(0)
        return output.read().decode("utf-8"), errors, process.returncode


STEP = re.compile(r"(.*?) [━─]+ (\d+)/(\d+)")


def watched(drawn: Any, progress: Progress) -> str:
    """Tells every step that is drawn, and gives the rest of what is written."""
    kept, pending = [], b""
    while True:
        data = b""
        # A terminal whose other end is closed has no end of file on Linux but an error.
        with suppress(OSError):
            data = drawn.read(4096)
        *lines, pending = re.split(rb"\r\n|\r|\n|\x1b\[K", pending + data)
        for line in lines if data else [*lines, pending]:
            text = line.decode("utf-8", "replace")
            step = STEP.match(text)
            if step:
                progress(step[1], int(step[2]), int(step[3]))
            elif text:
                kept.append(text)
        if not data:
            return "\n".join(kept)
