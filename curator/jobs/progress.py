"""How far a stage is: done of total, rate, time left, held back.

Progress goes where the caller sends it and holds counts only. The clock is used for display alone; nothing that is
written depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Report = Callable[[str], None]
_SECONDS_BETWEEN_LINES = 1.0


class Progress:
    """Counts one stage and reports a line at most once a second, and at the end."""

    __slots__ = ("_done", "_held", "_last", "_report", "_stage", "_started", "_total")

    def __init__(self, stage: str, total: int, report: Report) -> None:
        self._stage = stage
        self._total = total
        self._report = report
        self._done = 0
        self._held = 0
        self._started = time.monotonic()
        self._last = self._started

    def step(self, *, held: bool = False) -> None:
        """One more item is through."""
        self.at(self._done + 1, held=held)

    def on(self, count: int, *, held: int = 0) -> None:
        """That many more items are through, and so many of them held back."""
        self.at(self._done + count, held=held)

    def at(self, done: int, *, held: int = 0) -> None:
        """`done` items are through."""
        self._done = done
        self._held += held
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES or self._done == self._total:
            self._last = now
            self._report(self._line(now - self._started))

    def _line(self, seconds: float) -> str:
        rate = self._done / seconds if seconds > 0 else 0.0
        left = (self._total - self._done) / rate if rate > 0 else 0.0
        held = f"  quarantined {self._held}" if self._held else ""
        return f"{self._stage:<10} {self._done}/{self._total}  {rate:.1f}/s  ETA {left:.0f} s{held}"


def silent(_line: str) -> None:
    """Reports nothing."""
