"""Polynomials by least squares: what they are made of, how they are solved, and how they become integers."""
