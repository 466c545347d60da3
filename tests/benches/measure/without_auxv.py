"""Runs a program without the call by which it can ask the system for its auxiliary vector.

    without_auxv.py PROGRAM ARGUMENTS…

Valgrind hides the system's shared object from the vector that a program is started with, but not from that call; rustix then
reads what is not there. Refused, it reads the vector of `/proc`, which valgrind knows.
"""
import ctypes
import os
import struct
import sys

PR_SET_SECCOMP, FILTER, PR_SET_NO_NEW_PRIVS, PR_GET_AUXV = 22, 2, 38, 0x41555856
PRCTL, EINVAL = 157, 22
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | EINVAL


class Program(ctypes.Structure):
    """What the kernel is given of a filter."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def main():
    code = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, PRCTL), (LOAD, 0, 0, 16), (EQUAL, 0, 1, PR_GET_AUXV), (RETURN, 0, 0, REFUSE),
            (RETURN, 0, 0, ALLOW)]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *one) for one in code))
    program = Program(len(code), ctypes.cast(packed, ctypes.c_void_p))
    libc = ctypes.CDLL(None)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program)):
        sys.exit("the kernel takes no filter")
    os.execvp(sys.argv[1], sys.argv[1:])


main()
