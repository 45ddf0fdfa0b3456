"""Civil-security alerts: composed, decided, sent, confirmed, lifted; and CAP 1.2."""
