"""④ of four: the open lake. Iceberg tables, exactly once, with failed records beside them."""
