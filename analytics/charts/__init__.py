"""The pictures of the report, one a module: pure functions from rows to SVG, coloured by the page's style sheet."""
