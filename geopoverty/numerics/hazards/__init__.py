"""Hazards from arrays: who is at risk when, likelihoods, residuals, curves."""
