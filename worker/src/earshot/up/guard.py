"""`python -I -S guard.py PARENT COMMAND…`: becomes COMMAND, and dies when process PARENT does.

The kernel sends the signal, so it works however the parent ends, `kill -9` included. Only the
standard library's core is imported: this runs before every service (15 ms).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit("the parent is gone")
    try:
        os.execvp(command[0], command)
    except OSError as e:
        sys.exit(f"{command[0]}: {e.strerror}")


if __name__ == "__main__":
    main()
