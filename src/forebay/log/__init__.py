"""② of four: the durable log. Ordered records per partition; append returns, so it survives."""
