"""The health check of a service: whether a page answers, and what it says of one part.

`python -m local.compose_health URL` ends with 0 when the page answers; `… URL PART` when the page is JSON in
which the part's `status` is healthy.
"""

from __future__ import annotations

import json
import sys
import urllib.request

SECONDS = 8


def problem(url: str, part: str | None) -> str | None:
    """Return what is wrong, or None."""
    try:
        # A container may have a proxy in its environment, which knows no service.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=SECONDS) as answer:
            page = answer.read()
        if part is None:
            return None
        status = json.loads(page)[part]["status"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{url}: {type(error).__name__}: {error}"
    return None if status == "healthy" else f"{part} is {status}"


def main() -> None:
    """Report what is wrong, for `docker inspect`."""
    url, *parts = sys.argv[1:]
    found = problem(url, parts[0] if parts else None)
    if found:
        sys.stderr.write(f"{found}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
