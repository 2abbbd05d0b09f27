"""The DAGs of all pipelines: `retrain_<name>` and `score_<name>`, and what looks after all of them."""

from vintage.airflow import retraining_dags

globals().update(retraining_dags())
