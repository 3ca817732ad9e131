"""Tables too large for memory: files and clusters, read in batches."""

from geopoverty.registers.register import Data, Register, is_register, read_register

__all__ = ["Data", "Register", "is_register", "read_register"]
