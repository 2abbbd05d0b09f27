"""Serves the champions of pipelines over HTTP by their twins: no Spark, no JVM.

MLflow's scoring protocol, with one difference: NaN in JSON stays NaN, as Spark has it, where MLflow's own
server takes it for a null.
"""

from vintage.serving.app import application
from vintage.serving.champions import Followed, Follower, ServedModel
from vintage.serving.explanation import Explained, explained
from vintage.serving.limits import Limits
from vintage.serving.server import serve

__all__ = [
    "Explained",
    "Followed",
    "Follower",
    "Limits",
    "ServedModel",
    "application",
    "explained",
    "serve",
]
