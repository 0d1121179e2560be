"""Data sets of others as pipelines: folders with parameters, stages and files that the stages begin with."""
