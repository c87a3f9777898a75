"""③ of four: decode, validate, route. A message ends as a row or as a failed record."""
