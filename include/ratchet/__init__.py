"""Continuous training on Airflow. See ARCHITECTURE.md for the house."""
