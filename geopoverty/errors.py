"""Every error and warning that geopoverty raises.

Each says the rule, how many rows break it, the first ids, and the way out.
"""


class GeoPovertyError(Exception):
    """Base of every error that geopoverty raises on purpose."""


class InputError(GeoPovertyError, ValueError):
    """What was given breaks a rule; the message says which, where and the way out."""


class EstimationError(GeoPovertyError, ArithmeticError):
    """The input is fine, but the model cannot be estimated from it."""


class MissingExtraError(GeoPovertyError, ImportError):
    """An optional package is needed; the message says which extra brings it."""


class GeoPovertyWarning(UserWarning):
    """Something a careful reader of the numbers must know."""
