"""② of five: the durable log. Ordered records per partition; append returns, so it survives."""
