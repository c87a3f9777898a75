"""④ of five: the open lake. Iceberg tables, exactly once, with failed records beside them."""
