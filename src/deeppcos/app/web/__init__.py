"""The clinic's desk: pages for the people who look at a study. Only this room knows Django."""
