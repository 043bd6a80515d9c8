"""Results as pages: one self-contained HTML file each, for those who have no Python."""
