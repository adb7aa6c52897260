"""Runs Comeback: landing, warehouse, training, scoring, publication, and Dagster around them."""
