"""The one reader of the environment: places, never behaviour."""

import os
from pathlib import Path

BUNDLED_PLAN = Path(__file__).parent.parent / "plans" / "claude_code_mcp" / "plan.yaml"


def default_home() -> Path:
    """Return the home to use when none is named: `MBO_HOME`, else `~/.claude/projects/mcp-server`."""
    return _place("MBO_HOME", Path.home() / ".claude" / "projects" / "mcp-server")


def cache_folder() -> Path:
    """Return where toolchains are kept between homes: `XDG_CACHE_HOME` or `~/.cache`, in a folder of ours."""
    return _place("XDG_CACHE_HOME", Path.home() / ".cache") / "mcp-build-orchestrator"


def prefect_api_url() -> str | None:
    """Return the address of the Prefect server that the user chose, if any."""
    return os.environ.get("PREFECT_API_URL") or None


def inherited() -> dict[str, str]:
    """Return the few variables that a trusted child process of ours inherits; never a key or a token."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT")
    return {name: os.environ[name] for name in names if name in os.environ}


def _place(variable: str, default: Path) -> Path:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else default
