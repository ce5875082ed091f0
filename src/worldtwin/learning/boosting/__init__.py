"""Boosted trees by LightGBM: how they are grown, and how they become integers."""
