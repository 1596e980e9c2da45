"""How the tables came to be; every step can be taken back."""
