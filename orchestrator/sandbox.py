"""Where commands of agents and gates run: they see their worktree and their tools, nothing else, and no network."""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from orchestrator import process, seccomp, settings
from orchestrator.errors import SandboxError, UnsupportedError

Level = Literal["bubblewrap", "none"]

WORKSPACE = "/workspace"
SCRATCH = "/scratch"
PROCESSES = 256
"""How many processes and threads a slot may have at once."""
_FIRST_UID = 61_001
_MEGABYTE = 1 << 20
_INSTALL = "scripts/install-packages, or apt-get install bubblewrap util-linux"
_GIT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


@dataclass(frozen=True)
class Room:
    """What one command sees of this machine."""

    worktree: Path
    writable: bool
    repository: Path | None = None
    read_only: tuple[Path, ...] = ()
    scratch: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def variables(self) -> dict[str, str]:
        """Return the whole environment of the command, but for its home."""
        path = [f"{place}/bin" for place in self.read_only if (place / "bin").is_dir()]
        fixed = {"PATH": ":".join([*path, "/usr/bin", "/bin"]), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        return fixed | _GIT | dict(self.environment)


@dataclass(frozen=True)
class Sandbox:
    """Run commands at one level of isolation."""

    level: Level
    bwrap: str = ""

    async def run(
        self,
        command: Sequence[str],
        *,
        worktree: Path,
        writable: bool,
        slot: int,
        seconds: float,
        repository: Path | None = None,
        read_only: Sequence[Path] = (),
        scratch: Path | None = None,
        environment: Mapping[str, str] | None = None,
        output_limit: int = 200_000,
    ) -> process.Finished:
        """Run `command` with `worktree` as its working folder and return how it ended.

        It sees the worktree at `/workspace`, `scratch` at `/scratch`, and `repository` and `read_only`, which it
        cannot change, at their own paths. At level `none` everything stands at its own path and nothing is hidden.

        Raises:
            SandboxError: the sandbox could not be set up.
            WorkError, TransientError, UnsupportedError: as `process.run` does.
        """
        room = Room(worktree, writable, repository, tuple(read_only), scratch, environment or {})
        if self.level == "none":
            return await _run_plainly(command, room, seconds, output_limit)
        with _assembled(self.bwrap, room, command, self.owner(slot)) as (line, descriptors, has_ended):
            finished = await process.run(
                line, folder=Path("/"), environment={}, seconds=seconds, output_limit=output_limit, pass_fds=descriptors
            )
            if finished.exit_code == 1 and not has_ended():
                raise SandboxError(f"{command[0]}: no sandbox for it in {worktree} ({_last_line(finished.output)})")
        return finished

    def owner(self, slot: int) -> int | None:
        """Return the uid that the files of a slot must belong to, or None where they stay the user's."""
        return _FIRST_UID + slot if self.level == "bubblewrap" and os.geteuid() == 0 else None

    def inside(self, scratch: Path) -> Path:
        """Return the path at which a command sees the scratch folder."""
        return scratch if self.level == "none" else Path(SCRATCH)


def detect() -> Sandbox:
    """Return this machine's sandbox after starting one command in it.

    Raises:
        UnsupportedError: it has none; the message says what is missing and how to get it.
    """
    missing = [name for name in ("choom", "prlimit", "setpriv") if not Path(_tool(name)).is_absolute()]
    missing += [] if shutil.which("bwrap") else ["bwrap"]
    way_out = "or accept that agents can do all that you can: --unsafe-no-sandbox"
    if missing:
        raise UnsupportedError(f"no sandbox: {', '.join(missing)} not found; install it ({_INSTALL}), {way_out}")
    if platform.machine() not in seccomp.SYSTEM_CALLS:
        raise UnsupportedError(f"no sandbox: no system call filter for {platform.machine()}; use x86_64, {way_out}")
    sandbox = Sandbox("bubblewrap", shutil.which("bwrap") or "")
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder), writable=False)
        with _assembled(sandbox.bwrap, room, ["true"], sandbox.owner(0)) as (line, descriptors, _):
            trial = subprocess.run(  # a few milliseconds, before any event loop
                line, env={}, pass_fds=descriptors, capture_output=True, stdin=subprocess.DEVNULL, check=False
            )
    if trial.returncode != 0:
        said = _last_line(trial.stderr.decode(errors="replace"))
        raise UnsupportedError(
            f"no sandbox: bubblewrap does not start here ({said}); it needs version 0.8 and user namespaces "
            f"(sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), {way_out}"
        )
    return sandbox


def without() -> Sandbox:
    """Return the level that isolates nothing: limits, a clean environment and a process group, no more."""
    return Sandbox("none")


def profile(room: Room, *, user: int | None, files: Mapping[str, int]) -> list[str]:
    """Return bubblewrap's options for `room`: as root, for a command that becomes `user`; else for our own user.

    `files` are files of ours to show, as descriptors. Later options lie over earlier ones.
    """
    own_user = [] if user is not None else ["--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    # to become the user and give up the rest, and to step into a folder that only the user may enter
    powers = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH") if user is not None else ()
    tree = "--bind" if room.writable else "--ro-bind"
    return [
        *own_user,
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *(
            "--hostname",
            "sandbox",
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
            *_words("--cap-add", powers),
        ),
        *("--clearenv", "--setenv", "HOME", "/home/agent"),
        *(word for name, value in room.variables.items() for word in ("--setenv", name, value)),
        *_system(),
        *(word for path, data in files.items() for word in ("--perms", "0644", "--ro-bind-data", str(data), path)),
        *("--proc", "/proc", "--dev", "/dev", *_memory("/dev/shm", 64), "--remount-ro", "/dev"),
        *(*_memory("/tmp", 512), *_memory("/home/agent", 64)),
        *_parents([*room.read_only, *([room.repository] if room.repository else [])]),
        *(word for place in room.read_only if not _is_system(place) for word in ("--ro-bind", str(place), str(place))),
        *(("--ro-bind", str(room.repository), str(room.repository)) if room.repository else ()),
        *(tree, str(room.worktree), WORKSPACE),
        *_over_git_file(room.worktree),
        *(("--bind", str(room.scratch), SCRATCH) if room.scratch else ()),
        *("--chdir", WORKSPACE, "--remount-ro", "/"),  # the root would be writable and unlimited memory
    ]


def _system() -> list[str]:
    """Show `/usr` and the few files of `/etc` that programs need to start."""
    options = ["--ro-bind", "/usr", "/usr", "--perms", "0755", "--dir", "/etc"]
    for name in ("bin", "sbin", "lib", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            options += ["--symlink", f"usr/{name}", str(place)]
        elif place.is_dir():
            options += ["--ro-bind", str(place), str(place)]
    for name in ("ld.so.cache", "ssl", "alternatives", "localtime"):
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return options


def _words(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _memory(place: str, megabytes: int) -> list[str]:
    return ["--perms", "1777", "--size", str(megabytes * _MEGABYTE), "--tmpfs", place]


def _is_system(place: Path) -> bool:
    return place.is_relative_to("/usr")


def _parents(places: Iterable[Path]) -> list[str]:
    """Make the folders above `places` open to all: bubblewrap would give them the mode they have outside."""
    folders = {parent for place in places if not _is_system(place) for parent in place.parents[:-1]}
    folders.discard(Path("/tmp"))
    return [word for folder in sorted(folders) for word in ("--perms", "0755", "--dir", str(folder))]


def _over_git_file(worktree: Path) -> tuple[str, ...]:
    """Bind `.git` read-only over itself, so that it can be neither written nor removed; never what a link names."""
    git = worktree / ".git"
    return ("--ro-bind", str(git), f"{WORKSPACE}/.git") if git.exists() and not git.is_symlink() else ()


def _limits(user: int | None) -> list[str]:
    """Return the words before a command that bound it and, as root, make it `user` with no power left."""
    words = [_tool("choom"), "-n", "500", "--"]  # short of memory, the kernel ends this one and not the orchestrator
    words += [
        _tool("prlimit"),
        "--core=0",
        "--nofile=1024",
        f"--fsize={1024 * _MEGABYTE}",
        f"--data={4096 * _MEGABYTE}",
    ]
    words += [f"--nproc={PROCESSES}"] if limits_processes(user) else []
    words += ["--"]
    if user is not None:
        words += [_tool("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
        words += ["--inh-caps=-all", "--bounding-set=-all", "--"]
    return words


def _tool(name: str) -> str:
    """Return the system's own program: what comes before the drop of powers is never looked up among packages."""
    return shutil.which(name, path="/usr/bin:/bin") or name


def limits_processes(user: int | None) -> bool:
    """Tell whether a limit of processes counts the sandbox's own only: by uid, or by user namespace (Linux 5.14)."""
    version = re.match(r"(\d+)\.(\d+)", platform.release())
    return user is not None or (version is not None and (int(version[1]), int(version[2])) >= (5, 14))


@contextmanager
def _assembled(
    bwrap: str, room: Room, command: Sequence[str], user: int | None
) -> Iterator[tuple[list[str], tuple[int, ...], Callable[[], bool]]]:
    """Yield the command line, the descriptors it needs, and how to ask afterwards whether the command itself ended.

    Options travel in memory: the first process inside would show them, and with them our paths, in its command line.
    """
    with ExitStack() as stack:
        files = {path: stack.enter_context(_in_memory(text.encode())) for path, text in _etc(user or 1000).items()}
        calls = stack.enter_context(_in_memory(seccomp.program(platform.machine())))
        reading, status = stack.enter_context(_pipe())
        options = [*profile(room, user=user, files=files), "--seccomp", str(calls), "--json-status-fd", str(status)]
        arguments = stack.enter_context(_in_memory(b"".join(os.fsencode(option) + b"\0" for option in options)))
        line = [bwrap, "--args", str(arguments), "--", *_limits(user), *command]
        yield line, (*files.values(), calls, status, arguments), lambda: b"exit-code" in _available(reading)


def _etc(uid: int) -> dict[str, str]:
    return {
        "/etc/passwd": f"agent:x:{uid}:{uid}::/home/agent:/bin/sh\n",
        "/etc/group": f"agent:x:{uid}:\n",
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    }


@contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("mbo")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def _available(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except BlockingIOError:
        return b""


def _last_line(output: str) -> str:
    return (output.strip().splitlines() or ["it said nothing"])[-1]


async def _run_plainly(command: Sequence[str], room: Room, seconds: float, output_limit: int) -> process.Finished:
    variables = room.variables
    variables["PATH"] += f":{settings.inherited().get('PATH', '')}"
    limits = [_tool("prlimit"), "--core=0", "--nofile=1024", f"--fsize={1024 * _MEGABYTE}", "--"]
    limits += [_tool("setpriv"), "--pdeathsig=KILL", "--"]
    with tempfile.TemporaryDirectory() as home:
        return await process.run(
            [*(limits if Path(_tool("setpriv")).is_absolute() else ()), *command],
            folder=room.worktree,
            environment=variables | {"HOME": home},
            seconds=seconds,
            output_limit=output_limit,
        )
