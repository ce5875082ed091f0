"""Specs and plans as the YAML that a person would write."""
