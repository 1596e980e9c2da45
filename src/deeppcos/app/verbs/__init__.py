"""One file a verb of the command line; ``cli`` registers them."""
