"""The page that readers see: figures, prose, templates."""
