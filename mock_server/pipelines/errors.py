"""What goes wrong in a pipeline; the text is for the author of the workflow.

PipelineError
├── ExpressionError    an expression cannot be read or does not fit its columns
├── ParameterError     the parameters of an execution do not fit
├── TooLargeError      there would be more rows or text than a server keeps
└── GoneError          the rows of a result are kept no longer
"""

from __future__ import annotations


class PipelineError(Exception):
    """A node cannot do what its config says."""


class ExpressionError(PipelineError):
    """An expression is wrong; ``position`` counts its characters from 0."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} at position {position}")
        self.position = position


class ParameterError(PipelineError):
    """A parameter is missing or wrong."""


class TooLargeError(PipelineError):
    """There would be more than a server keeps."""


class GoneError(PipelineError):
    """The rows of a result are kept no longer."""
