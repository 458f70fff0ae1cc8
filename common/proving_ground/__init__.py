"""Rewards, data, sandbox, API clients and training; importing this package costs nothing."""
