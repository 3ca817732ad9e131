"""Spatial dependence of a binary outcome: arrays in, arrays out.

Throughout, A = I - rho W between units, B = inverse of A, and rows (households)
stand in cells (units, in each period).
"""
