"""Estimators: one module a method family; none knows another."""
