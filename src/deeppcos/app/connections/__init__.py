"""Who is connected, what is sent to whom and when, what waits, and what comes in. No Django."""
