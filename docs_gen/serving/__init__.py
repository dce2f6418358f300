r"""
# Serving

For who is writing: [serve](serve.html) builds a site whenever a file changes, the
[server](server.html) shows it to this machine alone, and [live](live.html) pages reload by
themselves.
"""
