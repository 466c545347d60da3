"""What one process takes, seen from outside: processor, time, memory."""
import ctypes
import os
import time

PTRACE_CONT, PTRACE_SEIZE, PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 7, 0x4206, 0x40, 6

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def spend(world, arguments):
    """Runs a command and returns its processor time and its duration, in milliseconds."""
    begun = time.monotonic()
    child = world.start(arguments)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return (usage.ru_utime + usage.ru_stime) * 1e3, (time.monotonic() - begun) * 1e3


def cpu(pid):
    """Returns the processor time of a process that still runs, all its threads together, in seconds."""
    # The clock of another process as clock_getcpuclockid(3) makes it.
    return time.clock_gettime(~pid << 3 | 2)


def memory(world, arguments):
    """Runs a command and returns its largest resident set and its most anonymous memory, in KiB.

    The first is the kernel's own record, read while the process is held at its exit: `ru_maxrss` would be that
    of this interpreter where it is larger, because a child begins with its parent's. Of the second there is no
    record, so it is looked at every half millisecond and at the exit.
    """
    child = world.hold(arguments)
    ptrace(PTRACE_SEIZE, child.pid, PTRACE_O_TRACEEXIT)
    with child.stdin as held:
        held.write(b"\n")
    peak = anonymous = 0
    while True:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid != 0 and not os.WIFSTOPPED(status):
            child.returncode = os.waitstatus_to_exitcode(status)
            return peak, anonymous
        fields = proc_status(child.pid)
        anonymous = max(anonymous, fields.get("RssAnon", 0))
        if pid == 0:
            time.sleep(0.0005)
        elif status >> 16 == PTRACE_EVENT_EXIT:
            peak = fields["VmHWM"]
            ptrace(PTRACE_CONT, child.pid, 0)
        else:
            ptrace(PTRACE_CONT, child.pid, os.WSTOPSIG(status))


def ptrace(request, pid, data):
    if libc.ptrace(request, pid, None, data) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace: {os.strerror(error)}")


def proc_status(pid):
    """Returns the numbers of `/proc/PID/status`, which are KiB where they are of memory."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        fields = (line.split() for line in file)
        return {field[0].rstrip(":"): int(field[1]) for field in fields if field[1:2] and field[1].isdigit()}
