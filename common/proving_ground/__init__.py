"""Shared rooms of Proving Ground; importing this package costs nothing."""
