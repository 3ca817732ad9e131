"""Maps as files for other programs: GeoPackage, GeoParquet, CSV.

`write` is the door, `columns` makes columns that every format can hold, `metadata`
says where the numbers come from.
"""

from geopoverty.map_files.write import write_map

__all__ = ["write_map"]
