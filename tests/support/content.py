"""What large transfers move: the same bytes in all modules, because each module's own would be kept to the end of the run."""

from __future__ import annotations

import hashlib

HUGE = hashlib.shake_256(b"content").digest(40 << 20)
LARGE = HUGE[: 20 << 20]
MIDDLE = HUGE[: 20 << 17]  # large in small units
