"""Ctrl-C at every place where it can strike."""

from __future__ import annotations

import contextlib
import dis
import sys
import threading
from types import FrameType, ModuleType
from typing import Any


class Interrupt:
    """Raise ``KeyboardInterrupt`` in this thread at the n-th place in a module where Ctrl-C can.

    The places in what locks are made of count too.
    """

    def __init__(self, at: int, module: ModuleType) -> None:
        self._files = {module.__file__, contextlib.__file__, threading.__file__}
        self._left = at
        self._before: dict[FrameType, str] = {}
        self._usual = sys.gettrace()  # which measures the coverage
        self.struck = False

    def __enter__(self) -> Interrupt:
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._usual)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = self._before.get(frame, "")
            self._before[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            self._left -= before.startswith(("RESUME", "CALL", "JUMP_BACKWARD"))  # only behind these it is looked for
            if self._left == 0:
                sys.settrace(self._usual)
                self.struck = True
                raise KeyboardInterrupt
        return self._trace
