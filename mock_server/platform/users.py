"""Users of the platform family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from mock_server.errors import ApiError
from mock_server.platform.job_requests import JobListing, Name
from mock_server.platform.job_views import JobPage
from mock_server.platform.jobs import page_of
from mock_server.routes import Call, Routes
from mock_server.validation import Maybe, StrictBody
from mock_server.wire import iso
from mock_server.world.errors import MissingError

if TYPE_CHECKING:
    from mock_server.world.users import User

ME = "me"
EMAIL = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,4}$"

routes = Routes("users", prefix="/v1")


class UserView(TypedDict):
    """A person with an account."""

    id: str
    email: str
    name: str
    organization: str | None
    role: str
    created_at: str
    updated_at: str


class UserUpdate(StrictBody):
    """Changes to one's own profile."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Maybe[Name] = None
    email: Maybe[Annotated[str, Field(max_length=254, pattern=EMAIL)]] = None

    @model_validator(mode="after")
    def _says_something(self) -> UserUpdate:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "At least one field is required")
        return self


@routes.get("/users/me")
async def me(call: Call[None, None]) -> UserView:
    """Get current user."""
    return view_user(caller(call))


@routes.patch("/users/me", conflicts=True)
async def update_me(call: Call[None, UserUpdate]) -> UserView:
    """Update user profile."""
    user, changes = caller(call), call.body
    others = [other for other in call.state.users.values() if other is not user]
    if changes.email is not None and any(other.email.lower() == changes.email.lower() for other in others):
        raise ApiError(409, "Another user has this email address", details={"field": "email", "code": "taken"})
    user.name = user.name if changes.name is None else changes.name
    user.email = user.email if changes.email is None else changes.email
    user.updated_at = call.state.time.now()
    return view_user(user)


@routes.get("/users/{user_id}/jobs")
async def jobs(call: Call[JobListing, None]) -> JobPage:
    """List user jobs."""
    user = caller(call) if call.path["user_id"] == ME else find_user(call, call.path["user_id"])
    return page_of(call, lambda job: job.request.user_id == user.id)


def caller(call: Call[Any, Any]) -> User:
    """Return whose key the call was made with."""
    return find_user(call, call.credential.user_id)


def find_user(call: Call[Any, Any], user_id: str) -> User:
    user = call.state.users.get(user_id)
    if user is None:
        raise MissingError("user", user_id)
    return user


def view_user(user: User) -> UserView:
    """Return a user as the platform shows it."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "organization": user.organization_id,
        "role": user.role,
        "created_at": iso(user.created_at),
        "updated_at": iso(user.updated_at),
    }
