"""One run of the orchestrator: everything that its steps share, opened once."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from agents.bench import Bench
from agents.models import Model
from agents.transcript import Transcript
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.journal import Journal
from orchestrator.models import Agent, Answer, BuildTask, Plan, SessionRef
from orchestrator.sandbox import Sandbox
from orchestrator.toolchain import Toolchain
from orchestrator.workspace import Repository

Approve = Literal["agent", "ask"]


class Run:
    """Hold what lives as long as the run: the journals, the repository, one lock an agent and one for landing."""

    def __init__(
        self,
        *,
        name: str,
        home: Home,
        plan: Plan,
        agents: Mapping[str, Agent],
        keys: Mapping[str, str],
        model: Model,
        repository: Repository,
        sandbox: Sandbox,
        toolchain: Toolchain,
        project: Path | None,
        chosen: Mapping[str, str],
        approve: Approve = "agent",
    ) -> None:
        """Open the project journal of `home` for the run called `name`."""
        self.name = name
        self.home = home
        self.plan = plan
        self.agents = agents
        self.keys = keys
        self.model = model
        self.repository = repository
        self.sandbox = sandbox
        self.toolchain = toolchain
        self.project = project
        self.chosen = chosen
        self.approve: Approve = approve
        """Who approves designs: the agent whom the policy names, or the user, who is asked."""
        self.events = Events(home, name)
        self.landing = asyncio.Lock()
        self.sessions: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """One session at a time for each agent."""
        self.unended: set[str] = set()
        """The tasks of this run that have not come to an end."""
        self._tasks = {task.id: task for task in plan.tasks}
        self._transcripts: dict[str, tuple[Journal, Transcript]] = {}

    def task(self, task_id: str) -> BuildTask:
        """Return a task of the plan by its id."""
        return self._tasks[task_id]

    def transcript(self, key: str) -> Transcript:
        """Return the transcript of a task key, opened at its first use."""
        if key not in self._transcripts:
            journal = Journal(self.home.transcript(key))
            self._transcripts[key] = (journal, Transcript(journal))
        return self._transcripts[key][1]

    def merged(self) -> frozenset[str]:
        """Return the tasks whose present key has landed on the integration branch."""
        landed = self.repository.landed()
        return frozenset(task_id for task_id, key in self.keys.items() if key in landed)

    def last_answer(self, task_id: str) -> Answer | None:
        """Return the answer that a task's present key ended with, if there is one."""
        answers = [event for event in self.events.all("answer") if event.get("key") == self.keys[task_id]]
        return Answer.model_validate(answers[-1]["data"]) if answers else None

    def attempts_spent(self, key: str) -> int:
        """Return how many attempts at a key have ended in failure; the next one counts on from there."""
        ended = [event for event in self.events.all("outcome") if event.get("key") == key]
        return sum(event["data"]["attempts"] for event in ended if event["data"]["status"] == "failed")

    def bench(self, session: SessionRef, worktree: Path, slot: int) -> Bench:
        """Return the bench of a session in one worktree."""
        return Bench(
            session=session,
            home=self.home,
            worktree=worktree,
            repository=self.home.repository,
            slot=slot,
            sandbox=self.sandbox,
            toolchain=self.toolchain,
            environment=self.plan.environment,
            agents=self.agents,
            policy=self.plan.policy,
            record=self.events.record,
        )

    def close(self) -> None:
        """Close every journal."""
        self.events.close()
        for journal, _ in self._transcripts.values():
            journal.close()
