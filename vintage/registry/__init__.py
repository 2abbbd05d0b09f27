"""What is known of models after they are made: tracking in MLflow, gates, records."""
