"""Tells schemathesis how the bodies of resumable uploads are written."""

from __future__ import annotations

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
