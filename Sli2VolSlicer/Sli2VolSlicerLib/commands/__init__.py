"""The `sli2vol` command line: files in, files out."""
