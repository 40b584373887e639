"""Metrics, intervals and baselines: arrays in, numbers with their uncertainty out.

Nothing here knows of files, projects or models; every random draw comes from a seed argument.
"""
