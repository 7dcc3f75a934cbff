"""One function per Airflow task: the lazy seam. JSON in, JSON out."""
