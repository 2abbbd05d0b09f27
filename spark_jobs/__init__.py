"""The jobs that Airflow submits: one short file each, which parses, opens and calls the step."""
