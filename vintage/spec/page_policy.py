"""What a browser lets a page of the store do, whatever the data in it holds."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

SCRIPT: Final = """
for (const link of document.querySelectorAll("[data-toggle=collapse]"))
  link.addEventListener("click", event => {
    event.preventDefault();
    document.getElementById(link.getAttribute("href").slice(1)).classList.toggle("show");
  });
"""
"""The one script that a page may run: Data Docs unfold what Great Expectations folds."""

_DIGEST: Final = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()

POLICY: Final = (
    f"default-src 'none'; script-src 'sha256-{_DIGEST}'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of every page: no connection, no script but that one, no form."""
