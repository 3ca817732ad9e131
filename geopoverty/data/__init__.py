"""What comes in: boundaries, travel times and the bundled data sets."""
