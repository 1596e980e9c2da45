"""One file a data set: each turns a folder into samples, or says why it cannot."""
