"""The stages of dvc.yaml: read parameters and inputs, call, write outputs."""
