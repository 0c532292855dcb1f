"""The project journal: what happened, one event a line, and what a later run finds in it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orchestrator.home import Home
from orchestrator.journal import Journal, read
from orchestrator.models import Event, JsonObject, SessionRef, now


class Events:
    """Record what happens in one run, and recall by id what earlier runs recorded.

    A step asks `recall` for its own result first; so a run that was killed walks the same path again, finds every
    finished step, and goes on with the first that is missing.
    """

    def __init__(self, home: Home, run: str) -> None:
        """Open the project journal of `home` for the run named `run`; the only writer."""
        self.run = run
        self._journal = Journal(home.metrics)
        self._lock = threading.RLock()  # a listener may record as well
        self._records: dict[str, JsonObject] = {record["id"]: record for record in self._journal.records()}

    def record(
        self,
        kind: str,
        record_id: str,
        data: Mapping[str, Any],
        *,
        session: SessionRef | None = None,
        about: Mapping[str, str] | None = None,
    ) -> JsonObject:
        """Write one event and return the data that stands under its id: `data`, or what was recorded there before.

        `about` gives task, key and agent where there is no session to take them from.
        """
        if session:
            about = {"task": session.task, "key": session.key, "agent": session.agent}
        with self._lock:  # one of two threads that record the same id is first, and the other gets what stands
            if record_id not in self._records:
                event = Event(id=record_id, time=now(), kind=kind, run=self.run, data=dict(data), **(about or {}))
                record = event.model_dump(mode="json", exclude_none=True)
                self._journal.append(record)
                self._records[record_id] = record
            return self._records[record_id].get("data", {})

    def recall(self, record_id: str) -> JsonObject | None:
        """Return the data of the event with this id, or None where it has not happened."""
        record = self._records.get(record_id)
        return None if record is None else record.get("data", {})

    def is_earlier(self, record_id: str) -> bool:
        """Tell whether an earlier run recorded the event with this id."""
        record = self._records.get(record_id)
        return record is not None and record["run"] != self.run

    def all(self, kind: str) -> Iterator[JsonObject]:
        """Yield every record of one kind, in the order written."""
        return (record for record in list(self._records.values()) if record["kind"] == kind)

    def everything(self) -> Iterator[JsonObject]:
        """Yield every record, in the order written."""
        return iter(list(self._records.values()))

    def listen(self, listener: Callable[[JsonObject], object]) -> None:
        """Call `listener` with every event after it is on disk."""
        self._journal.listen(listener)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def read_events(home: Home) -> Iterator[JsonObject]:
    """Yield the records of the project journal without opening it for writing; beside a running build as well."""
    return read(home.metrics)
