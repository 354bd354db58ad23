"""The filter, read by an interpreter of its own: what it answers to every call and argument."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.sandbox import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
ERRNO = 0x00050000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SOCKET = {"x86_64": 41, "aarch64": 198}
CLONE = {"x86_64": 56, "aarch64": 220}
OPENAT = {"x86_64": 257, "aarch64": 56}
SCHED_SETAFFINITY = {"x86_64": 203, "aarch64": 122}
PTRACE = {"x86_64": 101, "aarch64": 117}
# read, write, mmap, futex, execve: numbers of x86_64 and aarch64
NEEDED = {"x86_64": (0, 1, 9, 202, 59), "aarch64": (63, 64, 222, 98, 221)}

machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
words = st.integers(0, 2**64 - 1)


def answer(program: bytes, number: int, *arguments: int, architecture: int) -> int:
    """What the kernel would do: classic BPF over struct seccomp_data."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", program))
    assert len(code) <= 4096
    place = accumulator = 0
    while True:
        operation, true, false, operand = code[place]
        place += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, operand)
            case 0x54:
                accumulator &= operand
            case 0x15:
                place += true if accumulator == operand else false
            case 0x35:
                place += true if accumulator >= operand else false
            case 0x45:
                place += true if accumulator & operand else false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"operation {operation:#x} is unknown")


def ask(machine: str, number: int, *arguments: int, truncation: bool = True) -> int:
    program = seccomp.build_filter(truncation=truncation, machine=machine)
    return answer(program, number, *arguments, architecture=ARCHITECTURES[machine])


@machines
def test_what_every_program_needs_is_allowed(machine: str) -> None:
    assert [ask(machine, number) for number in NEEDED[machine]] == [ALLOW] * 5


@machines
@given(number=st.integers(0, 2**32 - 1), arguments=st.tuples(words, words, words))
def test_every_call_gets_an_answer(
    machine: str, number: int, arguments: tuple[int, int, int]
) -> None:
    answers = {ALLOW, *(ERRNO | code for code in (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT))}
    for truncation in (True, False):
        assert ask(machine, number, *arguments, truncation=truncation) in answers


@machines
@given(architecture=st.integers(0, 2**32 - 1), number=st.integers(0, 500))
def test_calls_of_another_architecture_kill(machine: str, architecture: int, number: int) -> None:
    if architecture != ARCHITECTURES[machine]:
        program = seccomp.build_filter(machine=machine)
        assert answer(program, number, architecture=architecture) == KILL
        assert answer(program, number, architecture=0x40000003) == KILL  # 32 bits


@machines
@given(family=words)
def test_only_unix_sockets_are_made(machine: str, family: int) -> None:
    # The kernel takes the family as an int: the upper half of the register is nothing.
    expected = ALLOW if family & 0xFFFFFFFF == 1 else ERRNO | errno.EAFNOSUPPORT
    assert ask(machine, SOCKET[machine], family, 1, 0) == expected


@machines
@given(flags=words)
def test_no_namespace_is_made_by_clone(machine: str, flags: int) -> None:
    spaces = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
    new = any(flags & space for space in spaces)
    assert ask(machine, CLONE[machine], flags) == (ERRNO | errno.EPERM if new else ALLOW)


@machines
def test_threads_and_processes_are_made(machine: str) -> None:
    thread, fork = 0x3D0F00, 0x1200011
    assert ask(machine, CLONE[machine], thread) == ask(machine, CLONE[machine], fork) == ALLOW


@machines
def test_cutting_without_writing_is_refused_where_landlock_cannot(machine: str) -> None:
    cut, write_and_cut, read = 0x200, 0x241, 0x80000
    call = OPENAT[machine]
    assert ask(machine, call, 0, 0, cut, truncation=False) == ERRNO | errno.EPERM
    assert ask(machine, call, 0, 0, write_and_cut, truncation=False) == ALLOW
    assert ask(machine, call, 0, 0, read, truncation=False) == ALLOW
    assert ask(machine, call, 0, 0, cut) == ALLOW


@machines
def test_a_pinned_command_stays_where_it_is(machine: str) -> None:
    call = SCHED_SETAFFINITY[machine]
    program = seccomp.build_filter(pinned=True, machine=machine)
    assert answer(program, call, architecture=ARCHITECTURES[machine]) == ERRNO | errno.EPERM
    assert ask(machine, call) == ALLOW


@machines
def test_debugging_is_refused(machine: str) -> None:
    assert ask(machine, PTRACE[machine]) == ERRNO | errno.EPERM


def test_the_second_numbers_of_x86_are_refused() -> None:
    assert ask("x86_64", 0x40000000 + 41, 2) == ERRNO | errno.ENOSYS
    assert ask("x86_64", 0xFFFFFFFF) == ERRNO | errno.ENOSYS


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(NotImplementedError, match="riscv64"):
        seccomp.build_filter(machine="riscv64")
