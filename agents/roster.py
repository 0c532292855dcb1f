"""The roster: every agent by name, the bundled ones and those of the project.

The bundled definitions lie beside this module. A project replaces one, or adds its own, by a file under
`<project>/.claude/agents/` whose front matter bears the name; the whole file counts, nothing is inherited.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agents.definition import read
from orchestrator.errors import InputError
from orchestrator.models import Agent, Policy
from orchestrator.models.work import Authority

DEFINITIONS = Path(__file__).parent / "definitions"
PROJECT_FOLDER = Path(".claude") / "agents"
NO_AGENTS = ("readme.md", "claude.md")
"""Words for people, or for every agent; folders of shared subagents often hold one."""

_POWERS: dict[Authority, Callable[[Policy], str]] = {
    "design": lambda policy: policy.design_final_say,
    "veto": lambda policy: policy.implementation_veto,
    "block": lambda policy: policy.release_block,
    "deadlock": lambda policy: policy.deadlock,
}


def bundled() -> tuple[str, ...]:
    """Return the names of the bundled agents, sorted, without reading their files."""
    return tuple(sorted(path.stem for path in DEFINITIONS.glob("*.md")))


def load(names: Iterable[str] | None = None, project: Path | None = None) -> dict[str, Agent]:
    """Return agents by name, in the order of `names`; all bundled and all of the project where none are named.

    Raises:
        InputError: a definition is malformed, two of the project's bear one name, or a name has none.
    """
    own = _of_project(project) if project else {}
    wanted = sorted({*bundled(), *own}) if names is None else list(dict.fromkeys(names))
    return {name: own.get(name) or read(_bundled_path(name)) for name in wanted}


def files(folder: Path) -> list[Path]:
    """Return the Markdown files in a folder and below that are to define an agent each, sorted."""
    return [path for path in sorted(folder.rglob("*.md")) if path.name.lower() not in NO_AGENTS]


def others(folder: Path) -> list[Path]:
    """Return the Markdown files in a folder and below that are words for people, or for every agent, sorted."""
    return [path for path in sorted(folder.rglob("*.md")) if path.name.lower() in NO_AGENTS]


def replaced(agent: Agent) -> Agent | None:
    """Return the bundled agent in whose place a different one of its name stands."""
    if agent.name not in bundled() or agent.source.parent == DEFINITIONS:
        return None
    ours = read(_bundled_path(agent.name))
    return ours if ours.model_dump() != agent.model_dump() else None


def told(ours: Agent) -> str:
    """Return a bundled agent in words, with the powers that it holds."""
    return "the bundled agent" + (f", which holds the power {' and '.join(ours.authority)}" if ours.authority else "")


def texts(names: Iterable[str]) -> dict[str, str]:
    """Return the bundled definitions as files to install: `.claude/agents/<name>.md` to its content."""
    return {(PROJECT_FOLDER / f"{name}.md").as_posix(): _bundled_path(name).read_text("utf-8") for name in names}


def disagreements(agents: Mapping[str, Agent], plan_policy: Policy) -> list[str]:
    """Say where definitions contradict the plan or name what is not there, one sentence each."""
    known = {*agents, *bundled()}
    return [
        sentence
        for agent in agents.values()
        for sentence in (*_claims_of_others(agent, plan_policy), *_missing_backups(agent, known))
    ]


def _claims_of_others(agent: Agent, policy: Policy) -> list[str]:
    holders = {power: _POWERS[power](policy) for power in agent.authority}
    return [
        f"{agent.name} claims the power {power}, which the plan gives to {holder}; the plan counts"
        for power, holder in holders.items()
        if holder != agent.name
    ]


def _missing_backups(agent: Agent, known: set[str]) -> list[str]:
    faults = {name: "does not exist" for name in agent.backups if name not in known}
    if agent.name in agent.backups:
        faults[agent.name] = "is the agent itself"
    return [f"{agent.name} names the backup {name}, which {fault}" for name, fault in faults.items()]


def _of_project(project: Path) -> dict[str, Agent]:
    agents: dict[str, Agent] = {}
    for path in files(project / PROJECT_FOLDER):
        agent = read(path)
        if agent.name in agents:
            raise InputError(f"{path}: the name {agent.name} is taken by {agents[agent.name].source}; rename one")
        agents[agent.name] = agent
    return agents


def _bundled_path(name: str) -> Path:
    if name not in bundled():
        raise InputError(f"no definition of the agent {name}; write {PROJECT_FOLDER / name}.md in the project")
    return DEFINITIONS / f"{name}.md"
