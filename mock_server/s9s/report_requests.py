"""What callers may ask for when they order a report."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from mock_server.validation import Maybe, StrictBody

ReportType = Literal["utilization", "jobs", "efficiency", "users"]
ReportFormat = Literal["pdf", "csv", "json"]
PeriodName = Literal["day", "week", "month", "quarter", "year"]

DAY = 86_400.0
DAYS: dict[PeriodName, int] = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
ADDRESS = r"^[^@\s]{1,64}@[^@\s]{1,189}$"


def _midnight(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            raise ValueError
        return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise PydanticCustomError("date_parsing", "Must be a date such as 2023-12-31") from None


Day = Annotated[float, BeforeValidator(_midnight), WithJsonSchema({"type": "string", "format": "date"})]


class ReportParameters(StrictBody):
    """What a report is about: whole days, the last one included, and all partitions unless some are named.

    ``period`` is how long it reaches where one of the two dates is missing, and back from now where both are.
    """

    period: PeriodName = "month"
    start_date: Maybe[Day] = None
    end_date: Maybe[Day] = None
    partitions: Maybe[Annotated[list[str], Field(min_length=1, max_length=100)]] = None
    include_charts: bool = True

    @model_validator(mode="after")
    def _goes_forward(self) -> ReportParameters:
        if self.start_date is not None and self.end_date is not None and self.start_date > self.end_date:
            raise PydanticCustomError("period", "start_date must not be after end_date")
        return self

    def span(self, now: float) -> tuple[float, float]:
        """Return the instants at which the report begins and ends."""
        length = DAYS[self.period] * DAY
        if self.end_date is not None:
            end = self.end_date + DAY
            return (end - length if self.start_date is None else self.start_date), end
        if self.start_date is not None:
            return self.start_date, self.start_date + length
        return now - length, now


class ReportDelivery(StrictBody):
    """Where a report is to be sent; this server only writes it down."""

    method: Literal["email", "download"]
    email: Maybe[Annotated[str, Field(pattern=ADDRESS)]] = None

    @model_validator(mode="after")
    def _has_address(self) -> ReportDelivery:
        if self.method == "email" and self.email is None:
            raise PydanticCustomError("delivery", "email is needed for the method email")
        return self


class ReportCreate(StrictBody):
    """An order for a report."""

    type: ReportType
    format: ReportFormat
    parameters: ReportParameters = Field(default_factory=ReportParameters)
    delivery: Maybe[ReportDelivery] = None
