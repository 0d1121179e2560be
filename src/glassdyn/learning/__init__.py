"""Networks that regress the mobility from the structure."""
