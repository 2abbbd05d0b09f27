"""The only room that knows paths: keys, manifests, fingerprints, publishing."""

from spark_jobs.store.artifacts import Artifact, Attempt, Store, check_files
from spark_jobs.store.keys import Ingredients, Key, Kind
from spark_jobs.store.manifest import Manifest, Rows

__all__ = ["Artifact", "Attempt", "Ingredients", "Key", "Kind", "Manifest", "Rows", "Store", "check_files"]
