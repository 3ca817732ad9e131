"""A study file: one TOML file from inputs to tables and atlas, without Python."""

from geopoverty.study.example import write_example
from geopoverty.study.running import Done, check_study, problems_of, run, run_study

__all__ = ["Done", "check_study", "problems_of", "run", "run_study", "write_example"]
