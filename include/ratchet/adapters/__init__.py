"""What we touch: one file per port. Nothing here knows Airflow."""
