"""Gymnasium's CartPole plays production: a poor controller is watched, and improved inside of the simulator."""
