"""Formula and table in; outcome, design matrix and names out."""

from geopoverty.design.build import Design, Roles, build_design

__all__ = ["Design", "Roles", "build_design"]
