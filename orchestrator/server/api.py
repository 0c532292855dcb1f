"""The few questions that we ask a Prefect server over plain HTTP, without importing Prefect."""

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import TransientError
from orchestrator.models.value import Frozen, JsonObject

PAGE = 200
UNFINISHED = {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}
"""The states that only a living process can end; scheduled and paused runs wait for one by design."""
CRASHED = {
    "state": {"type": "CRASHED", "name": "Crashed", "message": "The process that ran this is gone."},
    "force": True,
}
BUSY_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between tries: the server answers 503 at once when two writers meet in SQLite."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_USUAL = urllib.request.build_opener()


class FlowRun(Frozen):
    """A flow run, as far as the sweep must know it."""

    id: str
    name: str
    tags: list[str]


def is_healthy(url: str, seconds: float = 5.0) -> bool:
    """Tell whether a server answers at the API address `url`; one that asks for a key first is one that answers."""
    try:
        with _opener(url).open(f"{url.rstrip('/')}/health", timeout=seconds):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)
    except (OSError, http.client.HTTPException, ValueError):
        return False


def count_task_runs(url: str, flow_run: str | None = None) -> int:
    """Return how many task runs the server holds, of one flow run or in all."""
    return post(url, "task_runs/count", {"flow_runs": {"id": {"any_": [flow_run]}}} if flow_run else {})


def unfinished_flow_runs(url: str) -> list[FlowRun]:
    """Return every flow run that is in a state which only its process can end."""
    rows = _pages(url, "flow_runs/filter", {"flow_runs": {"state": UNFINISHED}})
    return [FlowRun(id=row["id"], name=row["name"], tags=row["tags"]) for row in rows]


def crash(url: str, run: FlowRun) -> None:
    """Mark the unfinished task runs of `run` as Crashed, then `run` itself."""
    unfinished = {"flow_runs": {"id": {"any_": [run.id]}}, "task_runs": {"state": UNFINISHED}}
    for task_run in _pages(url, "task_runs/filter", unfinished):
        post(url, f"task_runs/{task_run['id']}/set_state", CRASHED)
    post(url, f"flow_runs/{run.id}/set_state", CRASHED)


def _pages(url: str, path: str, filters: JsonObject) -> list[JsonObject]:
    rows: list[JsonObject] = []
    while True:
        page = post(url, path, filters | {"limit": PAGE, "offset": len(rows), "sort": "ID_DESC"})
        rows += page
        if len(page) < PAGE:
            return rows


def post(url: str, path: str, body: JsonObject) -> Any:
    """Return the decoded answer to a POST, whatever JSON it is; a busy database is asked again for some seconds.

    Raises:
        TransientError: the server did not answer, or refused.
    """
    request = urllib.request.Request(  # noqa: S310  # the address is ours or the user's own
        f"{url.rstrip('/')}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    for pause in (*BUSY_PAUSES, None):
        try:
            with _opener(url).open(request, timeout=30) as answer:
                return json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if pause is None or not (isinstance(error, urllib.error.HTTPError) and error.code == 503):
                raise TransientError(f"{url}: the Prefect server did not answer {path} ({error}); try again") from error
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def past_proxies(url: str) -> dict[str, str]:
    """Return the variables that keep every client in this process from asking a proxy for `url` on loopback."""
    if not _is_loopback(url):
        return {}
    exceptions = ",".join(filter(None, (urllib.request.getproxies().get("no"), urlsplit(url).hostname)))
    return {"NO_PROXY": exceptions, "no_proxy": exceptions}


def _opener(url: str) -> urllib.request.OpenerDirector:
    return _DIRECT if _is_loopback(url) else _USUAL


def _is_loopback(url: str) -> bool:
    """Tell whether `url` is on this machine, where a proxy of the environment has no business."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
