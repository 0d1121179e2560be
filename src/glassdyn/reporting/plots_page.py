"""The page of `dvc plots`, with the scripts that draw charts in it, so that it needs no network.

    python -m glassdyn.reporting.plots_page

writes it anew after an upgrade of vl-convert, which ships Vega, Vega-Lite and Vega-Embed (BSD 3-Clause, University of
Washington Interactive Data Lab). `plots.html_template` of .dvc/config names it.
"""

from pathlib import Path

import vl_convert

__all__ = ["make_plots_page"]

PAGE = Path(__file__).parent / "templates" / "plots_page.html"

HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh_tag}
<title>Plots</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #1c1f23; background: #fff; }
img { max-width: 100%; height: auto; }
table { border-spacing: 15px; }
</style>
<!-- Vega, Vega-Lite, Vega-Embed: BSD 3-Clause, University of Washington Interactive Data Lab -->
<script id="vega">
"""

TAIL = """
</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def make_plots_page() -> str:
    """Make the template; DVC puts its plots in place of {plot_divs}."""
    code = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return HEAD + code.strip().replace("</script", "<\\/script") + TAIL


if __name__ == "__main__":
    PAGE.write_text(make_plots_page(), "utf-8")
