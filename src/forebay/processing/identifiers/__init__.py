"""The one duplicate rule: which record was the first in its dataset to bear its id."""
