"""A robot that wanders in a maze, and the shortest way out."""
