"""The map itself: a folium map that opens without a network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import folium
from branca.element import Element, Figure
from folium.template import Template

from geopoverty._files import atomic_path
from geopoverty.atlas.assets import Pieces, document
from geopoverty.errors import InputError

NOTEBOOK_HEIGHT = "640px"


class CountyMap(folium.Map):
    """A folium map of counties that opens without a network.

    Made by `choropleth` and by ``Atlas.county_map``. It shows in a notebook, and
    ``save`` writes one file. A map in longitude and latitude takes further folium
    layers (``folium.GeoJson``, ``folium.CircleMarker``, ...); layers that load
    tiles, and popups, which need jQuery, are refused. A projected map, with insets
    or without, is in units of its own, where the longitudes and latitudes of such
    layers would stand in the wrong place: for layers, take ``projection=None``.

    Texts of the counties are safe whatever they hold. Texts that you give to
    folium's own layers are read by folium as templates and as HTML: escape them.

    Parameters
    ----------
    data : mapping
        What the page shows, as made by an atlas.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> import geopandas as gpd
    >>> from geopoverty.atlas.single import choropleth
    >>> table = gpd.GeoDataFrame({"unit_id": ["01"], "poor": [12.5]},
    ...                          geometry=[box(0, 0, 1, 1)], crs=4326)
    >>> shown = choropleth(table, "poor", unit="%")
    >>> isinstance(shown, folium.Map)
    True
    """

    # folium's own template fetches fonts and styles and forbids zooming a phone.
    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <div class="folium-map" id="{{ this.get_name() }}"></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        var {{ this.get_name() }} = L.map("{{ this.get_name() }}", {
            center: {{ this.location|tojson }},
            crs: L.CRS.{{ this.crs }},
            minZoom: -8,
            zoomAnimation: !still,
            fadeAnimation: !still,
            ...{{ this.options|tojavascript }}
        });
        {% endmacro %}
        """
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        projected = bool(data["shapes"]["projected"])
        super().__init__(
            location=[0, 0],
            zoom_start=2,
            tiles=None,
            crs="Simple" if projected else "EPSG3857",
            zoom_snap=0.1,
            zoom_delta=0.5,
            wheel_px_per_zoom_level=90,
            attribution_control=False,
        )
        self._id = "counties"  # the same file each time
        self.default_js = []
        self.default_css = []
        self.data = data
        Page(self)

    def save(
        self,
        outfile: str | bytes | Path | BinaryIO,
        close_file: bool = True,
        **kwargs: Any,
    ) -> None:
        """Write the map to one file, whole or not at all.

        Parameters
        ----------
        outfile : path or binary file
            Where to.
        close_file : bool
            Whether to close a file that was given open.
        **kwargs
            Handed to folium's render.

        Raises
        ------
        InputError
            If the folder does not exist or cannot be written, or a layer on the
            map would load something.
        """
        page = self.get_root().render(**kwargs).encode("utf-8")
        if isinstance(outfile, str | bytes | os.PathLike):
            with atomic_path(os.fsdecode(outfile)) as draft:
                draft.write_bytes(page)
            return
        outfile.write(page)
        if close_file:
            outfile.close()


class Page(Figure):
    """The document around a county map.

    Unlike branca's figure it never compiles what it has rendered as a template a
    second time, so that a county called ``{{7*7}}`` keeps its name.
    """

    def __init__(self, county_map: CountyMap) -> None:
        super().__init__(height=NOTEBOOK_HEIGHT)
        self.header = Element()
        self.header._parent = self
        self.county_map = county_map
        self.add_child(county_map)

    def render(self, **kwargs: Any) -> str:
        """Return the whole document.

        Raises
        ------
        InputError
            If a layer on the map cannot work without a network.
        """
        for child in list(self._children.values()):
            _require_no_popup(child)
            child.render(**kwargs)
        pieces = Pieces(
            head=self.header.render(**kwargs),
            body=self.html.render(**kwargs),
            script=self.script.render(**kwargs),
        )
        return document(pieces, self.county_map.data)


def _require_no_popup(element: Element) -> None:
    if isinstance(element, folium.Popup):
        raise InputError(
            "A popup needs jQuery, which a map without a network does not carry. Use "
            "folium.Tooltip in its place."
        )
    for child in element._children.values():
        _require_no_popup(child)
