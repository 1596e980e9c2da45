"""New studies, their chart and files, and the page of one study."""
