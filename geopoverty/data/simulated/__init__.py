"""Made-up data whose truth is known: a province, its firms and its households."""
