"""What an event looks like in each lead."""
