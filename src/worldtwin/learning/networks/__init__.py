"""Ensembles of small networks: how they are trained, and how they become integers."""
