"""Quickest ways over directed networks: arrays in, arrays out."""
