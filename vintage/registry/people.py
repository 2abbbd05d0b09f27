"""Who does something, as the operating system calls them."""

from __future__ import annotations

import getpass
import os


def os_user() -> str:
    """Return the name of who gives the command, in the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return str(os.getuid())
