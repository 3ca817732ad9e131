"""What a change in some counties would do to all of them."""

from geopoverty.scenario.change import Change
from geopoverty.scenario.estimator import scenario

__all__ = ["Change", "scenario"]
