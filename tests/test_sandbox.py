"""Promises of the sandbox: every way out that we know is tried for real."""

import asyncio
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic
import pytest

from orchestrator import process, sandbox, seccomp, selftest, toolchain
from orchestrator.errors import SandboxError, UnsupportedError
from orchestrator.sandbox import PROCESSES, Room, Sandbox

SLOT = 7
PYTHON = str(Path(sys.executable).resolve())


@pytest.fixture(scope="session")
def place() -> Sandbox:
    """This machine's sandbox; where there is none, every test here fails and says what to install."""
    return sandbox.detect()


@pytest.fixture
def worktree(tmp_path: Path, place: Sandbox) -> Path:
    """A worktree of the slot, with a file and a `.git`."""
    folder = tmp_path / "worktree"
    folder.mkdir()
    (folder / ".git").write_text("gitdir: /nowhere\n")
    (folder / "file").write_text("inside\n")
    give(folder, place)
    return folder


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that anyone on this machine may read and write, outside the worktree."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    file = tmp_path / "canary"
    file.write_text("canary")
    file.chmod(0o666)
    return file


def give(folder: Path, place: Sandbox) -> None:
    """Make a folder and all in it the slot's own."""
    owner = place.owner(SLOT)
    if owner is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)


def run(place: Sandbox, worktree: Path, *command: str, **options: Any) -> process.Finished:
    """Run a command in the sandbox to its end."""
    chosen: dict[str, Any] = {
        "writable": True,
        "slot": SLOT,
        "seconds": 20.0,
        "read_only": toolchain.interpreter(),
    } | options
    return asyncio.run(place.run(command, worktree=worktree, **chosen))


def comes_free(lock: Path) -> bool:
    """Tell whether nobody holds the lock any more, or lets go of it soon."""
    deadline = time.monotonic() + 3.0
    with lock.open() as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.sched_yield()
            else:
                return True
    return False


def test_a_command_works_in_its_worktree(place: Sandbox, worktree: Path) -> None:
    """A command reads and writes its worktree at a fixed path, and its files belong to the slot."""
    finished = run(place, worktree, "sh", "-c", "pwd; cat file; mkdir new; echo x > new/file; exit 5")

    assert (finished.exit_code, finished.output) == (5, "/workspace\ninside\n")
    assert (worktree / "new" / "file").read_text() == "x\n"
    assert (worktree / "new" / "file").stat().st_uid == (place.owner(SLOT) or os.geteuid())


def test_a_private_worktree_works_too(place: Sandbox, worktree: Path) -> None:
    """A worktree that only its owner may enter is entered."""
    worktree.chmod(0o700)

    assert run(place, worktree, "cat", "file").output == "inside\n"


def test_python_of_the_host_works(place: Sandbox, worktree: Path) -> None:
    """The interpreter is first on the path and starts, even where only its owner can reach it outside."""
    script = f"command -v {Path(PYTHON).name}; {PYTHON} -c 'import ssl, sqlite3; print(6 * 7)'"

    assert run(place, worktree, "sh", "-c", script).output == f"{PYTHON}\n42\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("cat {canary}", id="by-path"),
        pytest.param("cat /proc/1/root{canary}", id="by-proc-root"),
        pytest.param("cat ../canary", id="upwards"),
        pytest.param("cat /proc/1/cwd{canary}", id="by-proc-cwd"),
        pytest.param("ln -s {canary} link; cat link", id="by-link"),
        pytest.param("find / -xdev -name canary -exec cat {{}} +", id="by-search"),
        pytest.param("cat /proc/[0-9]*/fd/* </dev/null", id="by-descriptor"),
    ],
)
def test_nothing_outside_is_read(place: Sandbox, worktree: Path, canary: Path, script: str) -> None:
    """A file outside that all may read cannot be read."""
    with canary.open() as held:
        os.set_inheritable(held.fileno(), True)
        finished = run(place, worktree, "sh", "-c", script.format(canary=canary))

    assert "canary\n" not in f"{finished.output}\n".replace("/canary", "")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo x > {canary}", id="file-outside"),
        pytest.param("echo x > /x", id="root"),
        pytest.param("echo x > /usr/x", id="usr"),
        pytest.param("echo x >> /etc/passwd", id="passwd"),
        pytest.param("echo x > /dev/x", id="dev"),
        pytest.param("echo x > {python}/x", id="interpreter"),
        pytest.param("echo x > .git", id="write-git"),
        pytest.param("rm -f .git", id="remove-git"),
        pytest.param("mv .git old", id="move-git"),
        pytest.param("ln -sf /tmp .git", id="link-git"),
        pytest.param("mv /workspace /elsewhere", id="move-worktree"),
        pytest.param("mount -o remount,rw /", id="remount"),
        pytest.param("mount --bind /tmp /usr", id="mount"),
        pytest.param("echo core > /proc/sys/kernel/core_pattern", id="core-pattern"),
        pytest.param("echo 1 > /proc/sysrq-trigger", id="sysrq"),
        pytest.param("unshare --user --map-root-user true", id="user-namespace"),
        pytest.param("unshare --net true", id="namespace"),
        pytest.param("mknod device b 8 0", id="device"),
        pytest.param("chown 0 file", id="give-away"),
        pytest.param("ulimit -c unlimited", id="raise-a-limit"),
    ],
)
def test_nothing_outside_is_changed(place: Sandbox, worktree: Path, canary: Path, script: str) -> None:
    """What is outside, what is shown read-only and `.git` cannot be changed, and no power is to be had."""
    base = toolchain.interpreter()[0] if toolchain.interpreter() else "/usr"

    finished = run(place, worktree, "bash", "-c", script.format(canary=canary, python=base))

    assert finished.exit_code != 0
    assert canary.read_text() == "canary"
    assert (worktree / ".git").read_text() == "gitdir: /nowhere\n"


def test_read_only_worktree_stays_as_it_is(place: Sandbox, worktree: Path) -> None:
    """A command that may only read cannot write, and can read."""
    finished = run(place, worktree, "sh", "-c", "cat file; echo x > file || rm file || touch new", writable=False)

    assert finished.output.startswith("inside\n")
    assert sorted(path.name for path in worktree.iterdir()) == [".git", "file"]
    assert (worktree / "file").read_text() == "inside\n"


def test_no_variable_of_ours_gets_in(place: Sandbox, worktree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds what was asked for and a few fixed names, in every process inside."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")

    finished = run(
        place, worktree, "sh", "-c", "env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'", environment={"PYTHONPATH": "src"}
    )

    names = {line.partition("=")[0] for line in finished.output.splitlines() if "=" in line}
    assert "canary" not in finished.output
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH",
        "GIT_OPTIONAL_LOCKS", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0",
    }  # fmt: skip


def test_our_paths_and_processes_are_not_seen(place: Sandbox, worktree: Path) -> None:
    """The first process inside shows no path of ours, and no process of ours is there."""
    finished = run(place, worktree, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ls -d /proc/[0-9]* | wc -l")

    assert str(worktree) not in finished.output
    assert int(finished.output.split()[-1]) < 8


def test_nothing_is_reached_by_network(place: Sandbox, worktree: Path) -> None:
    """A listener of ours is out of reach by TCP, UDP, an abstract socket and vsock; its own loopback works."""
    name = f"mbo-test-{os.getpid()}"
    program = f"""
import socket, sys
def attempt(family, kind, address):
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(1)
            s.connect(address)
            s.send(b"x")
    except OSError:
        return "no"
    return "yes"
with socket.create_server(("localhost", 0)) as own:
    print("own", attempt(socket.AF_INET, socket.SOCK_STREAM, own.getsockname()))
print("tcp", attempt(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int(sys.argv[1]))))
print("abstract", attempt(socket.AF_UNIX, socket.SOCK_STREAM, "\\0{name}"))
print("vsock", attempt(40, socket.SOCK_STREAM, (2, 1)))
attempt(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", int(sys.argv[2])))
"""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        datagrams.bind(("127.0.0.1", 0))
        datagrams.setblocking(False)
        ports = [str(sock.getsockname()[1]) for sock in (listener, datagrams)]
        finished = run(place, worktree, PYTHON, "-c", program, *ports)
        with pytest.raises(BlockingIOError):
            datagrams.recv(1)

    assert finished.output == "own yes\ntcp no\nabstract no\nvsock no\n"


DAEMON = """
setsid flock -x lock sh -c 'trap "" TERM INT HUP; touch up; sleep 60' >/dev/null 2>&1 &
while [ ! -e up ]; do :; done
"""


@pytest.mark.parametrize("then", [pytest.param("", id="at-its-end"), pytest.param("sleep 60", id="at-its-time-out")])
def test_daemons_do_not_survive(place: Sandbox, worktree: Path, then: str) -> None:
    """A process in a session of its own that ignores signals is gone with the command that left it."""
    finished = run(place, worktree, "sh", "-c", DAEMON + then, seconds=1.0 if then else 20.0)

    assert finished.timed_out == bool(then)
    assert comes_free(worktree / "lock")


def test_cancellation_leaves_nothing(place: Sandbox, worktree: Path) -> None:
    """A cancelled caller leaves nothing running in the sandbox."""

    async def cancel() -> None:
        command = ["sh", "-c", DAEMON + "sleep 60"]
        task = asyncio.create_task(place.run(command, worktree=worktree, writable=True, slot=SLOT, seconds=60))
        while not (worktree / "up").exists():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert comes_free(worktree / "lock")


def test_killed_orchestrator_leaves_nothing(place: Sandbox, worktree: Path) -> None:
    """After kill -9 of our own process nothing runs on in the sandbox."""
    program = (
        "import asyncio, sys; from pathlib import Path; from orchestrator import sandbox\n"
        "asyncio.run(sandbox.detect().run(['sh', '-c', sys.argv[2] + 'sleep 60'], worktree=Path(sys.argv[1]), "
        f"writable=True, slot={SLOT}, seconds=60))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(worktree), DAEMON], cwd=Path(__file__).parents[1]
    ) as victim:
        while not (worktree / "up").exists():
            assert victim.poll() is None
            os.sched_yield()
        victim.kill()

    assert comes_free(worktree / "lock")


def test_fork_bomb_is_bounded(place: Sandbox, worktree: Path) -> None:
    """A fork bomb reaches the limit of processes and ends with its command; the next command works."""
    program = (
        "import os, time\nstarted = 0\ntry:\n    while os.fork() or time.sleep(60): started += 1\n"
        "except OSError as error: print(started, error.errno)\n"
    )

    started, error = run(place, worktree, PYTHON, "-S", "-c", program).output.split()
    bomb = run(
        place, worktree, "bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 60", seconds=0.5, output_limit=1000
    )

    assert PROCESSES - 8 < int(started) < PROCESSES
    assert int(error) == 11
    assert bomb.seconds < 5.0
    assert run(place, worktree, "echo", "alive").output == "alive\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("head -c 100000000 /dev/zero > /dev/shm/x", id="shared-memory"),
        pytest.param("head -c 600000000 /dev/zero > /tmp/x", id="tmp"),
        pytest.param("head -c 100000000 /dev/zero > ~/x", id="home"),
        pytest.param("truncate -s 2G x", id="file-size"),
        pytest.param("exec {python} -c 'x = bytearray(5 << 30)'", id="memory"),
        pytest.param("exec {python} -c 'import os; [os.dup(0) for _ in range(2000)]'", id="descriptors"),
    ],
)
def test_appetite_is_bounded(place: Sandbox, worktree: Path, script: str) -> None:
    """Memory, files and descriptors have an end."""
    assert run(place, worktree, "sh", "-c", script.format(python=PYTHON)).exit_code != 0


def test_flood_of_output_is_bounded(place: Sandbox, worktree: Path) -> None:
    """Output is cut to its limit."""
    finished = run(place, worktree, "sh", "-c", "yes | head -c 20000000", output_limit=1000)

    assert finished.truncated
    assert len(finished.output) < 1100


def test_private_places_are_fresh_and_writable(place: Sandbox, worktree: Path) -> None:
    """`/tmp`, the home and shared memory can be written, are empty at first, and forget."""
    script = "ls -A /tmp ~ /dev/shm && touch /tmp/x ~/x /dev/shm/x && echo done"

    assert [run(place, worktree, "sh", "-c", script).output.split()[-1] for _ in range(2)] == ["done", "done"]
    assert "x\n" not in run(place, worktree, "sh", "-c", script).output


def test_scratch_brings_reports_out(place: Sandbox, worktree: Path, tmp_path: Path) -> None:
    """What is written to the scratch folder, at the path that `inside` names, is there afterwards."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    give(scratch, place)

    run(place, worktree, "cp", "file", str(place.inside(scratch)), scratch=scratch, writable=False)

    assert (scratch / "file").read_text() == "inside\n"


def test_git_reads_and_changes_nothing(place: Sandbox, tmp_path: Path) -> None:
    """Inside a worktree git tells status, diff and log; commits, configuration and hooks are refused."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    repository, folder = tmp_path / "private" / "repository.git", tmp_path / "private" / "slot"
    repository.parent.mkdir(mode=0o700)

    def git(*words: str) -> None:
        options = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *options, *words], env=environment, check=True, capture_output=True)

    git("init", "--bare", "--initial-branch=main", str(repository))
    git("clone", str(repository), str(tmp_path / "first"))
    (tmp_path / "first" / "a").write_text("one\n")
    git("-C", str(tmp_path / "first"), "add", "a")
    git("-C", str(tmp_path / "first"), "commit", "-m", "first commit")
    git("-C", str(tmp_path / "first"), "push", "origin", "HEAD:main")
    git("--git-dir", str(repository), "worktree", "add", "-b", "task", str(folder), "main")
    (folder / "a").write_text("two\n")
    give(folder, place)

    def inside(script: str) -> process.Finished:
        return run(place, folder, "sh", "-c", script, repository=repository)

    read = inside("git status --short; git log --format=%s; git diff")
    refused = [
        inside(script).exit_code
        for script in ("git add a", "git -c user.name=t -c user.email=t@t commit -am x", "git config a.b c")
    ]
    hook = inside(f"echo evil > {repository}/hooks/pre-commit")

    assert read.output.startswith(" M a\nfirst commit\ndiff --git a/a b/a\n")
    assert 0 not in [*refused, hook.exit_code]


def test_link_for_git_file_is_not_followed(place: Sandbox, worktree: Path, canary: Path) -> None:
    """Where `.git` is a link that an agent made, what it names is not shown."""
    (worktree / ".git").unlink()
    (worktree / ".git").symlink_to(canary)

    assert "No such file" in run(place, worktree, "cat", ".git").output


@pytest.mark.parametrize("name", ["choom", "prlimit", "setpriv"])
def test_packages_cannot_stand_in_for_our_tools(place: Sandbox, worktree: Path, tmp_path: Path, name: str) -> None:
    """A program of a package that bears the name of one of ours is not run before the powers are dropped."""
    (tmp_path / "tools" / "bin").mkdir(parents=True)
    impostor = tmp_path / "tools" / "bin" / name
    impostor.write_text("#!/bin/sh\necho impostor\n")
    impostor.chmod(0o755)

    assert run(place, worktree, "echo", "own", read_only=[tmp_path / "tools"]).output == "own\n"
    assert run(sandbox.without(), worktree, "echo", "own", read_only=[tmp_path / "tools"]).output == "own\n"


def test_missing_program_is_an_exit_code(place: Sandbox, worktree: Path) -> None:
    """A program that is not there is the command's failure, not the sandbox's."""
    assert run(place, worktree, "no-such-program").exit_code == 127


def test_failed_set_up_is_an_error(place: Sandbox, worktree: Path, tmp_path: Path) -> None:
    """A sandbox that cannot be set up raises; a command that only says so does not."""
    with pytest.raises(SandboxError, match="Can't find source path"):
        run(place, worktree, "true", read_only=[tmp_path / "none"])

    assert run(place, worktree, "sh", "-c", "echo 'bwrap: no'; exit 1").exit_code == 1


def test_slots_have_their_own_uid(place: Sandbox) -> None:
    """As root each slot has a uid of its own; otherwise, and without a sandbox, files stay the user's."""
    expected = 61_001 + 3 if os.geteuid() == 0 else None

    assert place.owner(3) == expected
    assert sandbox.without().owner(3) is None


def test_self_test_passes_quickly(place: Sandbox) -> None:
    """All probes are held back, in a second or so, and nothing is left open."""
    before = len(os.listdir("/proc/self/fd"))
    began = time.monotonic()

    asyncio.run(selftest.self_test(place))

    assert time.monotonic() - began < 5.0
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("hole", "found"),
    [
        pytest.param("--share-net", "connect by TCP, connect to an abstract socket, send a UDP datagram", id="network"),
        pytest.param("--bind {outside} {outside}", "read files outside, write files outside", id="folder"),
        pytest.param("--setenv SECRET x", "see our environment", id="environment"),
        pytest.param("--tmpfs /workspace --remount-ro /workspace", "cannot write to its worktree", id="worktree"),
    ],
)
def test_self_test_finds_holes(place: Sandbox, tmp_path: Path, hole: str, found: str) -> None:
    """A sandbox with a hole is refused, and the message names what got through."""
    script = tmp_path / "bwrap"
    options = hole.format(outside=os.environ.get("TMPDIR", "/tmp"))
    script.write_text(f'#!/bin/sh\narguments="$1 $2"; shift 2\nexec {place.bwrap} $arguments {options} "$@"\n')
    script.chmod(0o755)

    with pytest.raises(SandboxError) as caught:
        asyncio.run(selftest.self_test(replace(place, bwrap=str(script))))

    assert found in str(caught.value)


OUTER = """
bwrap --dev-bind / / --tmpfs /mnt --ro-bind "$1" /mnt/python --ro-bind "$2" /mnt/product --ro-bind "$3" /mnt/packages
--cap-add CAP_SETUID --cap-add CAP_SETGID --
setpriv --reuid=61900 --regid=61900 --clear-groups --inh-caps=-all --bounding-set=-all --
env PYTHONPATH=/mnt/product:/mnt/packages PYTHONDONTWRITEBYTECODE=1
"""
AS_ORDINARY_USER = """
import asyncio, os, sys
from orchestrator import sandbox, selftest
place = sandbox.detect()
asyncio.run(selftest.self_test(place))
print(os.geteuid(), place.owner(1))
"""


def test_ordinary_user_has_the_same_walls(tmp_path: Path) -> None:
    """A user without any power gets a sandbox that holds back every probe, by way of a user namespace."""
    if os.geteuid() == 0:
        words = [sys.base_prefix, str(Path(__file__).parents[1]), str(Path(pydantic.__file__).parents[1])]
        program = f"exec {' '.join(OUTER.split())} /mnt/python/bin/{Path(PYTHON).name} -c '{AS_ORDINARY_USER}'"
        command, user = ["sh", "-c", program, "sh", *words], 61_900
    else:
        command, user = [sys.executable, "-c", AS_ORDINARY_USER], os.geteuid()

    finished = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)

    assert (finished.stdout, finished.stderr) == (f"{user} None\n", "")


def test_profile_of_an_ordinary_user(tmp_path: Path) -> None:
    """An ordinary user's sandbox has a user namespace and forbids more of them; root's changes its uid instead."""
    room = Room(tmp_path, writable=False, environment={"A": "b"})
    everyone = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--clearenv"]

    ours = sandbox.profile(room, user=None, files={})
    roots = sandbox.profile(room, user=61_001, files={})

    assert ours[:6] == ["--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    assert [roots[at + 1] for at, word in enumerate(roots) if word == "--cap-add"] == [
        "CAP_SETUID",
        "CAP_SETGID",
        "CAP_SETPCAP",
        "CAP_DAC_READ_SEARCH",
    ]
    assert "--cap-add" not in ours
    assert "--unshare-user" not in roots
    assert [word for word in everyone if word not in ours or word not in roots] == []
    assert ours[-4:] == roots[-4:] == ["--chdir", "/workspace", "--remount-ro", "/"]
    assert f"--ro-bind {tmp_path} /workspace" in " ".join(ours)
    assert "--setenv A b" in " ".join(ours)


def test_missing_bubblewrap_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without bubblewrap one line says what is missing, how to get it, and the way out."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnsupportedError) as caught:
        sandbox.detect()

    words = ("bwrap", "scripts/install-packages", "apt-get install bubblewrap", "--unsafe-no-sandbox")
    assert [word for word in (*words, "\n") if word not in str(caught.value)] == ["\n"]


def test_unusable_bubblewrap_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where bubblewrap does not start, its own reason is in the line."""
    script = tmp_path / "bwrap"
    script.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(
        UnsupportedError, match=r"No permissions to create new namespace.*--unsafe-no-sandbox"
    ) as caught:
        sandbox.detect()

    assert "\n" not in str(caught.value)


def test_without_a_sandbox_commands_run_plainly(worktree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At level none a command works in its worktree with a clean environment, a fresh home and a limit of time."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    place = sandbox.without()

    finished = run(place, worktree, "sh", "-c", "pwd; env; ls -A ~; echo x > new")
    late = run(place, worktree, "sh", "-c", "trap '' TERM; sleep 60 & wait", seconds=0.2)

    assert finished.output.startswith(f"{worktree}\n")
    assert "canary" not in finished.output
    assert f"HOME={Path.home()}\n" not in finished.output
    assert (worktree / "new").exists()
    assert place.inside(worktree / "scratch") == worktree / "scratch"
    assert (late.timed_out, late.exit_code) == (True, 137)
    asyncio.run(selftest.self_test(place))


def test_filter_is_made_for_every_machine() -> None:
    """The system call filter is whole 8-byte instructions, and every jump in it lands inside."""
    for machine in ("x86_64", "aarch64"):
        program = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
        ends = [at + 1 + max(yes, no) for at, (code, yes, no, _) in enumerate(program) if code & 0x07 == 0x05]

        assert max(ends) < len(program)
        assert program[-1] == (0x06, 0, 0, 0x7FFF0000)
