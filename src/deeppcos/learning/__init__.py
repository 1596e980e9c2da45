"""Better releases: data sets, training, honest evaluation. Torch lives here, and only here."""
