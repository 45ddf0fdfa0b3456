"""Civil-security alerts: for now, messages in CAP 1.2 read, checked and written."""
