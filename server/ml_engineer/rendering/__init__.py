"""Templates to files and documents; text of the data passes a filter that cannot let it become code or markup."""
