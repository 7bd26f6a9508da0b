"""What goes wrong in a command; the text is what a shell would print.

ShellError
├── ShellSyntaxError           the command line is not well formed
├── ArgumentListTooLongError   a command's arguments grow too large
├── FileError                  a path cannot be used
└── DiskFullError              the output files have reached their limit
"""

from __future__ import annotations

from typing import ClassVar


class ShellError(Exception):
    """A command fails with exit status ``status``."""

    status: ClassVar[int] = 1


class ShellSyntaxError(ShellError):
    """The command line is not well formed."""

    status = 2


class ArgumentListTooLongError(ShellError):
    """The expanded arguments are too long."""

    status = 126

    def __init__(self) -> None:
        super().__init__("Argument list too long")


class FileError(ShellError):
    """A path cannot be used."""


class DiskFullError(ShellError):
    """The output files of the job have reached their limit."""

    def __init__(self) -> None:
        super().__init__("write error: No space left on device")
