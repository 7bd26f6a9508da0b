"""Files that S9S makes in its own time: exports and reports."""

from __future__ import annotations

from vantage_sdk.models.base import Model, Timestamp


class Document(Model):
    """A file that the server makes; ``status`` is ``processing``, ``completed``, ``failed`` or a newer word.

    ``download_url`` is where it is, once it is there; ``file_size`` is in bytes.
    """

    status: str | None = None
    download_url: str | None = None
    file_size: int | None = None
    created_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    expires_at: Timestamp | None = None

    @property
    def is_terminal(self) -> bool:
        """Tell whether the server is done with it."""
        return self.status in ("completed", "failed")

    @property
    def succeeded(self) -> bool:
        """Tell whether the file is there."""
        return self.status == "completed"


class Export(Document):
    """Rows of jobs or others as a file; ``record_count`` is how many."""

    export_id: str
    record_count: int | None = None

    @property
    def id(self) -> str:
        """Return ``export_id``, which tells exports apart."""
        return self.export_id


class Report(Document):
    """A report as a file."""

    report_id: str
    type: str | None = None
    format: str | None = None

    @property
    def id(self) -> str:
        """Return ``report_id``, which tells reports apart."""
        return self.report_id
