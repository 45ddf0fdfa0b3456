"""What reservations answer when someone asks for their data, or leaves."""
