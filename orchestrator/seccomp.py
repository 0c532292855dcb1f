"""The system call filter of the sandbox: what ordinary programs never ask for and attacks on the kernel begin with."""

import errno
import struct

SYSTEM_CALLS = {
    "x86_64": (0xC000003E, {"clone": 56, "unshare": 272, "clone3": 435, "socket": 41}, (248, 249, 250, 298, 321, 323)),
    "aarch64": (
        0xC00000B7,
        {"clone": 220, "unshare": 97, "clone3": 435, "socket": 198},
        (217, 218, 219, 241, 280, 282),
    ),
}
"""For each machine: its audit number, calls judged by their argument, and add_key, request_key, keyctl,
perf_event_open, bpf and userfaultfd, which are refused. io_uring (425 to 427) is refused everywhere."""
_FAMILIES = (1, 2, 10, 16)
"""Sockets that are confined to the network namespace: unix, IPv4, IPv6, netlink. Not vsock, which reaches the host."""
_NEW_USER_NAMESPACE = 0x10000000
_ALLOW = 0x7FFF0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def program(machine: str) -> bytes:
    """Return the classic BPF program that bubblewrap loads before it starts a command."""
    audit, judged, refused = SYSTEM_CALLS[machine]
    instructions = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, audit), _refuse(errno.EPERM), (_LOAD, 0, 0, 0)]
    instructions += [(_AT_LEAST, 0, 1, 0x40000000), _refuse(errno.EPERM)]  # the x32 twins of all calls
    for number in (*refused, 425, 426, 427):
        instructions += [(_EQUAL, 0, 1, number), _refuse(errno.EPERM)]
    instructions += [(_EQUAL, 0, 1, judged["clone3"]), _refuse(errno.ENOSYS)]  # its flags are out of a filter's sight
    for name in ("clone", "unshare"):
        instructions += [(_EQUAL, 0, 4, judged[name]), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _NEW_USER_NAMESPACE)]
        instructions += [_refuse(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    instructions += [(_EQUAL, 0, 2 + 2 * len(_FAMILIES), judged["socket"]), (_LOAD, 0, 0, 16)]
    for family in _FAMILIES:
        instructions += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    instructions += [_refuse(errno.EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def _refuse(number: int) -> tuple[int, int, int, int]:
    return _RETURN, 0, 0, 0x00050000 | number
