"""Modules that are imported when something of them is first used."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def defer(*names: str) -> None:
    """Have the import of a module cost nothing until it is used; one that is imported already stays."""
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = _Deferred(name)


class _Deferred(ModuleType):
    def __getattr__(self, name: str) -> Any:
        # Whoever looks through all modules, as `inspect` does, asks for its file and uses nothing of it.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(f"{self.__name__} is not imported yet, so it has no {name}")
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)
