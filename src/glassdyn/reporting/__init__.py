"""The page that shows a run: numbers, charts, a sample in three dimensions, and where all of it comes from."""
