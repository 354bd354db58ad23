"""The report of a run: one self-contained HTML file.

`render_report` makes it from a `RunView`; `render_damaged` makes a page for a run that cannot be
read, `render_comparison` one for several runs. Jinja2 writes the pages, Pygments marks the source,
ECharts (in `assets/echarts`) draws the charts in the browser.
"""

from views.report.page import render_comparison, render_damaged, render_report
from views.run_view import RunView

__all__ = ["RunView", "render_comparison", "render_damaged", "render_report"]
