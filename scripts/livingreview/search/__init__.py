"""What PubMed holds: the query, the client, the sandbox, snapshots and the records in them."""
