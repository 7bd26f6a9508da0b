"""What became of each file when a directory was transferred."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransferItem:
    """One file: both of its ends, its bytes, and why it was left out, if it was; ``error`` is what it failed with."""

    local_path: str
    remote_path: str
    size: int | None = None
    reason: str = ""
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class TransferReport:
    """What a transfer of a directory came to; after a ``dry_run`` ``done`` is what would be transferred.

    ``done``, ``skipped`` and ``failed`` hold one ``TransferItem`` a file, sorted by path; ``seconds`` is how long it took.
    """

    done: tuple[TransferItem, ...] = ()
    skipped: tuple[TransferItem, ...] = ()
    failed: tuple[TransferItem, ...] = ()
    seconds: float = 0.0
    dry_run: bool = False

    @property
    def bytes(self) -> int:
        """Return how many bytes the files in ``done`` have."""
        return sum(item.size or 0 for item in self.done)

    @property
    def success(self) -> bool:
        """Tell whether nothing failed."""
        return not self.failed

    def raise_if_any_failed(self) -> None:
        """Raise the first error there is, with the number of the others as a note."""
        for item in self.failed:
            error = item.error or OSError(f"{item.local_path}: {item.reason}")
            if self.failed[1:]:
                error.add_note(f"and {len(self.failed) - 1} more files failed")
            raise error

    def __str__(self) -> str:
        counts = f"{len(self.done)} done, {len(self.skipped)} skipped, {len(self.failed)} failed"
        return f"{counts}, {self.bytes} bytes in {self.seconds:.1f} s" + (" (dry run)" if self.dry_run else "")
