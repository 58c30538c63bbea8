"""The tool in a web page: a gateway, and one process per session behind it."""
