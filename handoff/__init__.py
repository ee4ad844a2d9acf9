"""The operator's side: appeals, the queue, accounts, the console."""
