"""The SDK's logger: ``vantage_sdk``."""

from __future__ import annotations

import logging
import os

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def set_up_logging(*, debug: bool) -> None:
    """Let the logger speak if ``debug`` or ``VANTAGE_LOG`` (debug, info, warning) says so.

    A handler for standard error is added only if the program has none.
    """
    name = "debug" if debug else os.environ.get("VANTAGE_LOG", "").lower()
    if name not in LEVELS:
        return
    logger = logging.getLogger("vantage_sdk")
    logger.setLevel(LEVELS[name])
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
