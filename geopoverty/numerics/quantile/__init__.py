"""Regression quantiles: fits, densities at the quantile, resamples."""
