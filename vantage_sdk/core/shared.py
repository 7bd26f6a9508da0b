"""What all copies of a client share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vantage_sdk.core.quota import Quota

if TYPE_CHECKING:
    from vantage_sdk.core.dialect import Dialect
    from vantage_sdk.core.limiter import Limiter
    from vantage_sdk.core.transfer.tus import Offer


class Shared:
    """What all copies of a client have in common: the retry quota, and what the server has told about itself.

    Each family has its own, because one of them honouring idempotency keys says nothing of another.
    """

    def __init__(self) -> None:
        self.quota = Quota()
        self.honours_keys = False
        self.upload_offer: Offer | None = None
        self.limiter: Limiter | None = None
        self._others: dict[str, Shared] = {}

    def beside(self, dialect: Dialect) -> Shared:
        """Return the same for another family."""
        return self._others.get(dialect.name) or self._others.setdefault(dialect.name, Shared())
