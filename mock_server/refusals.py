"""How the refusals of the cluster, the storage and the world look over HTTP."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from mock_server.cluster import backend
from mock_server.errors import SCHEDULER, ApiError, invalid_field
from mock_server.storage import errors as storage
from mock_server.world import errors as world

if TYPE_CHECKING:
    from collections.abc import Generator

STATUSES = {
    "resource_conflict": 409,
    "permission_denied": 403,
    "upload_expired": 410,
    "payload_too_large": 413,
    "quota_exceeded": 413,
    "checksum_mismatch": 460,
    "insufficient_storage": 507,
}


@contextmanager
def refusals() -> Generator[None]:
    """Turn what the cluster, the storage and the world refuse into an ``ApiError``."""
    try:
        yield
    except (backend.NotFoundError, storage.MissingError, world.MissingError) as error:
        raise ApiError(404, str(error), details={"resource": error.kind, "id": error.key}) from None
    except (world.ForbiddenError, backend.DeniedError) as error:
        raise ApiError(403, str(error)) from None
    except (backend.StateError, world.ConflictError) as error:
        raise ApiError(409, str(error)) from None
    except (backend.RequestError, storage.PathError) as error:
        raise invalid_field(error.field, str(error)) from None
    except backend.UnavailableError as error:
        headers = {"Retry-After": str(math.ceil(error.retry_after))}
        raise ApiError(503, str(error), code=SCHEDULER, headers=headers) from None
    except backend.UnsupportedError as error:
        raise ApiError(501, str(error), code="not_supported") from None
    except backend.ClusterError as error:
        raise ApiError(500, str(error), code=SCHEDULER) from None
    except storage.ClosedError:
        raise ClientDisconnect from None
    except storage.StorageError as error:
        raise ApiError(STATUSES[error.code], str(error), code=error.code) from None
