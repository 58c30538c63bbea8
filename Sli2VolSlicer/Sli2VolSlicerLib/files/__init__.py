"""Volumes and label maps in files, and what makes one unfit to be opened: for the command line and the browser."""
