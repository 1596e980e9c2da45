"""The watch of a site: what is observed, alarms on a page and by mail, subgroups."""
