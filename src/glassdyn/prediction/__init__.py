"""A model file applied to configurations, whoever made them."""
