"""Looking at the cluster and acting on it from outside the server's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.event import Event
    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.node import Cluster, ScalePolicy
    from mock_server.pipelines.delivery import Delivery as Sent
    from mock_server.state import ServerState
    from mock_server.storage.file import StoredFile
    from mock_server.storage.store import Store
    from mock_server.webhooks.courier import Courier
    from mock_server.webhooks.delivery import Delivery
    from mock_server.world.dependencies import Dependencies
    from mock_server.world.executions import ExecutionRecord
    from mock_server.world.workflow_store import Workflow

T = TypeVar("T")


class ClusterAccess:
    """The cluster of a server, safe to use from any thread; what it returns is live, so read it at once."""

    def __init__(
        self,
        call: Callable[[Callable[[], Any]], Any],
        backend: Callable[[], ClusterBackend],
        wait: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any] | None = None,
    ) -> None:
        self._call = call
        self._backend = backend
        self._wait = wait

    @property
    def jobs(self) -> dict[str, Job]:
        """All jobs by id, oldest first."""
        return self._read(lambda cluster: dict(cluster.jobs))

    @property
    def clusters(self) -> dict[str, Cluster]:
        """All clusters by id."""
        return self._read(lambda cluster: dict(cluster.clusters))

    def job(self, job_id: str) -> Job:
        return self._read(lambda cluster: cluster.job(job_id))

    def events(self, after: int = 0) -> list[Event]:
        """Return what happened after event ``after``."""
        return self._read(lambda cluster: cluster.events(after))

    def submit(self, request: JobRequest) -> Job:
        return self._do(lambda cluster: cluster.submit(request))

    def cancel(self, job_id: str, reason: str | None = None) -> Job:
        return self._do(lambda cluster: cluster.cancel(job_id, reason))

    def scale(self, id_or_name: str, policy: ScalePolicy) -> Cluster:
        return self._do(lambda cluster: cluster.scale(id_or_name, policy))

    def fail_node(self, cluster_id: str, node_name: str, reason: str = "failed by the test") -> None:
        """Let a node go down, with everything that runs on it."""
        self._do(lambda cluster: cluster.fail_node(cluster_id, node_name, reason))

    def restore_node(self, cluster_id: str, node_name: str) -> None:
        """Bring a node back."""
        self._do(lambda cluster: cluster.restore_node(cluster_id, node_name))

    def _read(self, function: Callable[[ClusterBackend], T]) -> T:
        result: T = self._call(lambda: function(self._backend()))
        return result

    def _do(self, function: Callable[[ClusterBackend], Coroutine[Any, Any, T]]) -> T:
        if self._wait is not None:
            waited: T = self._wait(lambda: function(self._backend()))
            return waited
        result: T = self._call(lambda: _finish(function(self._backend())))
        return result


class WorkflowAccess:
    """The workflows of a server, safe to use from any thread."""

    def __init__(self, call: Callable[[Callable[[], Any]], Any], state: Callable[[], ServerState]) -> None:
        self._call = call
        self._state = state

    @property
    def definitions(self) -> dict[int, Workflow]:
        """All workflows by id, whoever owns them; live, so read it at once."""
        found: dict[int, Workflow] = self._call(lambda: {workflow.id: workflow for workflow in self._state().workflows})
        return found

    @property
    def executions(self) -> list[ExecutionRecord]:
        """The latest runs, oldest first."""
        records: list[ExecutionRecord] = self._call(self._state().executions.records)
        return records

    @property
    def deliveries(self) -> list[Sent]:
        """What left the workflows at their terminators, oldest first."""
        return [delivery for record in self.executions for delivery in record.deliveries]


class StorageAccess:
    """The stored files of a server, safe to use from any thread; outputs of jobs are not among them."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store

    @property
    def directory(self) -> str:
        """Where files and uploads are kept."""
        return self._store().directory

    def files(self) -> dict[str, int]:
        """Return the sizes of all files by path, in order of the paths."""
        return {file.path: file.size for file in self._store().files()}

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; ``KeyError`` if there is none."""
        store = self._store()
        _, reader = store.open(self._file(store, path))
        try:
            return reader.read(0, -1)
        finally:
            reader.close()

    def put(self, path: str, content: bytes, *, content_type: str | None = None) -> None:
        """Store a file, replacing what is there; without ``content_type`` it is guessed from the name."""
        self._store().put(path, content, content_type=content_type)

    def delete(self, path: str) -> None:
        """Remove a file; ``KeyError`` if there is none."""
        store = self._store()
        store.delete(self._file(store, path).id)

    def uploads(self) -> list[str]:
        """Return the ids of the uploads that have not expired, oldest first."""
        return [upload.id for upload in self._store().catalogue.uploads() if not upload.gone]

    def _file(self, store: Store, path: str) -> StoredFile:
        file = store.catalogue.file_at(path)
        if file is None:
            raise KeyError(path)
        return file


class WebhookAccess:
    """The webhook deliveries of a server, safe to use from any thread."""

    def __init__(
        self,
        call: Callable[[Callable[[], Any]], Any],
        courier: Callable[[], Courier],
        wait: Callable[[Callable[[], Coroutine[Any, Any, None]]], None],
    ) -> None:
        self._call = call
        self._courier = courier
        self._wait = wait

    @property
    def deliveries(self) -> list[Delivery]:
        """The latest deliveries, oldest first; they are live, so read them at once."""
        log: list[Delivery] = self._call(lambda: list(self._courier().outbox.log))
        return log

    @property
    def next_attempt_at(self) -> float | None:
        """When the next attempt is due on the server's clock, ``None`` if none is pending."""
        due: float | None = self._call(self._courier().outbox.next_at)
        return due

    def settle(self, timeout: float = 30.0) -> None:
        """Wait until no attempt is due or under way; with ``clock="auto"`` until none is pending at all.

        ``timeout`` are real seconds, after which it is a ``TimeoutError``.
        """
        self._wait(lambda: self._courier().settled(timeout))


class HealthAccess:
    """What the job service depends on: ``database``, ``redis`` and ``kubernetes``; safe to use from any thread."""

    def __init__(self, call: Callable[[Callable[[], Any]], Any], dependencies: Callable[[], Dependencies]) -> None:
        self._call = call
        self._dependencies = dependencies

    @property
    def checks(self) -> dict[str, str]:
        """``ok`` or ``error`` by name."""
        checks: dict[str, str] = self._call(lambda: self._dependencies().checks())
        return checks

    def fail(self, name: str) -> None:
        """Let a dependency be down from now on."""
        self._call(lambda: self._dependencies().set({name: "error"}))

    def restore(self, name: str) -> None:
        """Bring a dependency back."""
        self._call(lambda: self._dependencies().set({name: "ok"}))


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, as the simulated cluster's do not."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("this cluster answers over a network and cannot be used from here")
