"""The tools that evidence is taken with: pinned by hash, shipped as a list, installed once for a machine."""

from collections.abc import Callable
from pathlib import Path

from orchestrator import settings, toolchain
from orchestrator.toolchain import Toolchain

REQUIREMENTS = Path(__file__).parent / "inspection-tools.txt"


async def prepare(say: Callable[[str], None]) -> Toolchain:
    """Return the tools, installed at their first use.

    Raises:
        UnsupportedError: they cannot be installed, as without a network.
    """
    return await toolchain.prepare(REQUIREMENTS, settings.cache_folder(), say)
