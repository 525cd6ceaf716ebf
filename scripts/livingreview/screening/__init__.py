"""What people decided about each record, and the order in which they are asked."""
