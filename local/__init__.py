"""Airflow and MLflow on one machine."""
