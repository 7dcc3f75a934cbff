"""Airflow's words: assets, defaults, params, sensors, schedules."""
