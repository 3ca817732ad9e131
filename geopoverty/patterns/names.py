"""What the classes of local statistics are called, and their usual colours."""

NOT_SIGNIFICANT = "Not significant"
NO_NEIGHBOURS = "No neighbours"
LEVELS = (99, 95, 90)  # per cent of confidence, of Getis-Ord classes

MORAN = {
    "High-High": "#d7191c",
    "Low-Low": "#2c7bb6",
    "Low-High": "#9fd0e4",
    "High-Low": "#fdae61",
    NOT_SIGNIFICANT: "#e6e6e6",
    NO_NEIGHBOURS: "#8c8c8c",
}
GETIS_ORD = {
    "Hot spot 99 %": "#8e0f24",
    "Hot spot 95 %": "#dd5a4a",
    "Hot spot 90 %": "#f7b799",
    NOT_SIGNIFICANT: "#e6e6e6",
    "Cold spot 90 %": "#9ccbe2",
    "Cold spot 95 %": "#4393c3",
    "Cold spot 99 %": "#164a86",
    NO_NEIGHBOURS: "#8c8c8c",
}
COLORS = (MORAN, GETIS_ORD)
