"""Renders notebooks with nbconvert as HTML, without a page around it.

Arguments: the folder of the template "book", then paths of notebooks. Prints JSON:
{"css": colours of code, "bodies": [HTML]}.
"""

import json
import sys

from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

templates, *paths = sys.argv[1:]
exporter = HTMLExporter(
    template_name="book",
    extra_template_basedirs=[templates],
    exclude_anchor_links=True,
    exclude_input_prompt=True,
    exclude_output_prompt=True,
)
light = HtmlFormatter(style="default").get_style_defs(".highlight")
dark = HtmlFormatter(style="github-dark").get_style_defs('[data-theme="dark"] .highlight')
css = light + "\n@media screen {\n" + dark + "\n}\n"  # paper is white
bodies = [exporter.from_filename(path)[0] for path in paths]
json.dump({"css": css, "bodies": bodies}, sys.stdout)
