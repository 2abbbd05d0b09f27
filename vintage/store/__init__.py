"""The only room that knows paths: keys, manifests, fingerprints, publishing."""

from vintage.store.artifacts import Artifact, Attempt, Store, check_files
from vintage.store.keys import Ingredients, Key, Kind
from vintage.store.manifest import Manifest, Rows

__all__ = ["Artifact", "Attempt", "Ingredients", "Key", "Kind", "Manifest", "Rows", "Store", "check_files"]
