"""The report of a demo: one HTML file with its pictures inside."""

from worldtwin.examples.report.page import Figure, Panel, figures, page, panel, table, write
from worldtwin.examples.report.picture import Frame, Range, legend

__all__ = ["Figure", "Frame", "Panel", "Range", "figures", "legend", "page", "panel", "table", "write"]
