"""What stands in the way of a prediction."""

from glassdyn.errors import GlassdynError

__all__ = ["ConfigurationError"]


class ConfigurationError(GlassdynError):
    """A configuration or a model that cannot be used, or a file to which no prediction can be written."""
